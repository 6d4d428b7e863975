"""The Modelfile: how Ollama asks, when it stops, and how it samples."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from xuxie.errors import UserError
from xuxie.export.chat_template import ollama_template, stop_tokens
from xuxie.prompts.prompting import Prompting

TEXT_END = '"""'
CONTEXT = 4096


def modelfile(
    layout: Path,
    prompting: Prompting,
    *,
    name: str,
    quantisations: Sequence[str],
    system: str | None,
    instruction: str,
    sampling: dict,
    context: int,
    outline: str = "",
) -> str:
    """The text of the Modelfile.

    Args:
        layout: its Jinja template.
        quantisations: of the GGUF files beside it; the first is used. Without any, Ollama converts the merged folder itself.
        system: what the model was trained with; None for the template's own default.
        instruction: put before each passage.
        sampling: the values of `sampling` of the config that an export tells others of.
        context: tokens of prompt and answer together.
        outline: an example of the line that says what is to happen; empty if no row was told so.

    Raises:
        UserError: the system prompt or the instruction cannot be written into a Modelfile.
    """
    for text, key in ((system or "", "system"), (instruction, "instruction")):
        if TEXT_END in text:
            raise UserError(
                f"the {key} holds {TEXT_END}, which ends a text in a Modelfile",
                where=f"datasets.*.{key}",
                remedy="use other quotes",
            )
    files = [f"model.{quantisation}.gguf" for quantisation in quantisations] or ["hf"]
    return jinja2.Template(
        layout.read_text(encoding="utf-8"),
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    ).render(
        name=name,
        source=files[0],
        others=files[1:],
        template=ollama_template(prompting, instruction),
        system=system or prompting.template.default_system,
        stops=stop_tokens(prompting),
        sampling=sampling,
        context=context,
        outline=outline,
    )


def window(cutoff_len: int, max_new_tokens: int, longest: int) -> int:
    """Tokens that Ollama should keep: what a training row and an answer take, 4,096 at least, and never more than the model can take."""
    return min(longest, max(CONTEXT, cutoff_len + max_new_tokens))
