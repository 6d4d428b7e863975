"""How the exported model is asked, in the template languages of others: Jinja for Hugging Face and llama.cpp, Go for Ollama."""

from collections.abc import Sequence

from xuxie.errors import UserError
from xuxie.prompts.prompting import Prompting
from xuxie.prompts.question import question


def messages_of(row: dict, system: str | None = None) -> list[dict]:
    """An Alpaca row as the chat that asks for its output.

    Args:
        system: a system prompt in place of the row's own; None keeps it.
    """
    told = row.get("system") if system is None else system
    turns = [
        message
        for asked, answer in row.get("history") or []
        for message in (_message("user", asked), _message("assistant", answer))
    ]
    return [
        *([_message("system", told)] if told else []),
        *turns,
        _message("user", question(row["instruction"], row["input"])),
    ]


def chat_template(prompting: Prompting, rows: Sequence[dict], system: str | None = None) -> str:
    """A Jinja template that asks with the very tokens that the model was trained on.

    The model's own is taken if it does so for all rows, with and without a system prompt and a history; else
    LLaMA-Factory's rendering of the training template.

    Args:
        rows: Alpaca rows to try it on.
        system: a system prompt in place of the rows' own.

    Raises:
        UserError: neither does.
    """
    tried = [*rows, *({**row, "system": ""} for row in rows[:1])]
    tried += [
        {**row, "history": [[question(row["instruction"], row["input"]), row["output"]]]}
        for row in rows[:1]
    ]
    for candidate in (
        prompting.tokenizer.chat_template,
        prompting.template._get_jinja_template(prompting.tokenizer),
    ):
        if candidate and all(
            asked_ids(prompting.tokenizer, candidate, row, system)
            == prompting.prompt_ids(row, system=system)
            for row in tried
        ):
            return candidate
    raise UserError(
        f"no chat template asks as the model was trained: neither its own nor one made of LLaMA-Factory's {prompting.template_name!r}",
        where="models.*.template",
        remedy="train with a template that is in words alone, for example the model's own without thinking",
    )


def asked_ids(tokenizer, template: str, row: dict, system: str | None = None) -> list[int]:
    """The tokens that a Jinja template asks with."""
    text = tokenizer.apply_chat_template(
        messages_of(row, system), chat_template=template, add_generation_prompt=True, tokenize=False
    )
    return tokenizer.encode(text, add_special_tokens=False)


def ollama_template(prompting: Prompting, instruction: str) -> str:
    """The training template in Ollama's language, with the instruction before each passage.

    Ollama puts BOS first by itself, where the model has one.

    Args:
        instruction: what the rows were trained with; the person who uses the model types the passage alone.

    Raises:
        UserError: the template cannot be said in Ollama's language.
    """
    try:
        template = prompting.template._get_ollama_template(prompting.tokenizer)
    except ValueError as error:
        raise UserError(
            f"LLaMA-Factory's template {prompting.template_name!r} cannot be written for Ollama: {error}",
            where="models.*.template",
        ) from error
    bos = prompting.tokenizer.bos_token
    if bos and template.startswith(bos):
        template = template.removeprefix(bos)
    asked = question(instruction.replace("{{", '{{ "{{" }}'), "{{ .Content }}")
    # The first is the user's: LLaMA-Factory writes the branches in this order, and the system's is called `.System`.
    return template.replace("{{ .Content }}", asked, 1)


def stop_tokens(prompting: Prompting) -> list[str]:
    """The tokens that end an answer, in the order of their ids."""
    return prompting.tokenizer.convert_ids_to_tokens(sorted(prompting.stop_ids))


def _message(role: str, content: str) -> dict:
    return {"role": role, "content": content}
