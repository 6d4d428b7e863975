"""Look for everything that would make a training run fail without an error, before it starts."""

import logging
from pathlib import Path

import torch
import yaml
from safetensors import safe_open
from transformers import AutoConfig
from xuxie.errors import UserError
from xuxie.files.rows import read_rows, write_json
from xuxie.models.loading import load_tokenizer
from xuxie.prompts.prompting import Prompting, shaping_arguments
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.training import gates as g
from xuxie.training.arguments import machine_arguments, parse_arguments
from xuxie.training.memory import GIB, Shape, advice, device_memory, estimate

log = logging.getLogger(__name__)


def check_gates(
    yaml_file: str,
    train: str,
    gates: str,
    asked_template: str,
    system: str | None,
    failing: str,
    memory: float | None,
) -> None:
    """Check the rows, the template, the tokenizer and the memory of a run.

    Args:
        yaml_file: the rendered arguments.
        train: the rows to train on.
        gates: the report of what was found, gates.json.
        asked_template: the template that the tuned model will be asked with.
        system: the system prompt it will be asked with; None if as in the row.
        failing: `refuse` or `warn`, what to do if a gate fails.
        memory: of the device that trains, in GiB; None for this machine's.

    Raises:
        UserError: a gate failed and `failing` is `refuse`; tells the first finding of each.
    """
    arguments = yaml.safe_load(Path(yaml_file).read_text(encoding="utf-8"))
    parse_arguments(arguments)
    folder, own_code = arguments["model_name_or_path"], arguments["trust_remote_code"]
    tokenizer = load_tokenizer(folder, trust_remote_code=own_code)
    # The ids are the same with and without loss on the prompt, and without it the labels show where the answer starts.
    wording = {**shaping_arguments(arguments), "train_on_prompt": False}
    trained = Prompting(tokenizer, arguments["template"], **wording)
    cut = Prompting(tokenizer, arguments["template"], **wording, cutoff_len=arguments["cutoff_len"])
    asked = Prompting(tokenizer, asked_template, **wording)
    rows, table = list(read_rows(train)), _table(folder)
    results = [
        g.prompt_gate(rows, trained, asked, system),
        g.stop_gate(rows, trained, asked),
        g.whole_row_gate(rows, trained, cut, arguments["cutoff_len"]),
        g.text_gate(rows, trained),
        g.special_token_gate(trained, len(table)),
        g.trained_marker_gate(trained, table, arguments.get("additional_target") or ""),
        _memory_gate(arguments, own_code, memory),
    ]
    for result in results:
        log.info(
            "%s: %s (%d looked at)%s",
            result.name,
            "ok" if not result.findings else "FAILED",
            result.looked_at,
            f"; {result.note}" * bool(result.note),
        )
        for finding in result.findings[:5]:
            log.warning("%s: %s\n  remedy: %s", finding.where, finding.what, finding.remedy)
    failed = [result for result in results if result.findings]
    if failed and failing == "refuse":
        raise UserError(
            "\n".join(
                f"gate failed: {gate.name}: {len(gate.findings)} findings; {gate.findings[0].what}"
                for gate in failed
            ),
            where=f"{yaml_file}; first: {failed[0].findings[0].where}",
            remedy=f"{failed[0].findings[0].remedy}; or let the run go on with `gates: warn`, and see in the report what it does",
        )
    write_json(
        gates,
        {
            "passed": not failed,
            "failing": failing,
            "gates": [result.as_dict() for result in results],
        },
    )


def _table(folder: str):
    """The model's embeddings, read alone."""
    for file in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            for name in weights.keys():  # noqa: SIM118, it is no dict
                if name.endswith(("embed_tokens.weight", "wte.weight", "word_embeddings.weight")):
                    return weights.get_tensor(name)
    raise UserError(
        "no embeddings in the model's safetensors files",
        where=folder,
        remedy="convert its weights to safetensors",
    )


def _memory_gate(arguments: dict, own_code: bool, memory: float | None) -> g.Gate:
    name = "the run fits into memory"
    config = AutoConfig.from_pretrained(arguments["model_name_or_path"], trust_remote_code=own_code)
    if memory is None:
        arguments = arguments | machine_arguments(
            arguments, gpu=torch.cuda.is_available(), precision="bfloat16"
        )
    parts = estimate(Shape.of(config), arguments)
    need, there = sum(parts.values()) / GIB, memory or device_memory() / GIB
    shares = ", ".join(f"{part} {size / GIB:.1f}" for part, size in parts.items())
    note = f"about {need:.1f} GiB needed ({shares}), {there:.1f} GiB there"
    if need <= there:
        return g.Gate(name, 1, (), note=note)
    return g.Gate(name, 1, (g.Finding("memory", note, advice(parts, arguments)),))


if __name__ == "__main__":
    run_job(in_environment(check_gates), snakemake)
