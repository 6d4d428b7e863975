"""Gates that look at every row or block of text: what is trained must be what is asked, whole, and must end."""

import re
from collections.abc import Iterable, Sequence

from xuxie.prompts.prompting import Prompting
from xuxie.training.gates import Finding, Gate

SHOWN = 40
"""How many tokens of a finding are shown as text."""


def prompt_gate(
    rows: Iterable[dict], trained: Prompting, asked: Prompting, system: str | None
) -> Gate:
    """Every prompt's ids in training, earlier turns included, are the prompt's ids at sampling.

    Args:
        rows: training rows.
        trained: how rows are worded in training.
        asked: how the tuned model is asked.
        system: the system prompt it is asked with; None for the row's own.
    """
    looked_at, findings = 0, []
    for row in rows:
        looked_at += 1
        learnt, question = trained.split_ids(row)[0], asked.prompt_ids(row, system=system)
        if learnt != question:
            findings.append(_mismatch(row, trained, asked, learnt, question))
    return Gate("the prompt is asked as it was trained", looked_at, tuple(findings))


def answer_gate(rows: Iterable[dict], trained: Prompting) -> Gate:
    """Every answer begins in training with the tokens of its own text, which are those that evaluation scores.

    A template for models that reason puts a thought before the answer, an empty one here.
    """
    looked_at, findings = 0, []
    for row in rows:
        looked_at += 1
        learnt = trained.split_ids(row)[1]
        scored = trained.tokenizer.encode(row["output"], add_special_tokens=False)
        if learnt[: len(scored)] != scored:
            findings.append(
                Finding(
                    row["id"],
                    f"in training the answer is {_text(trained, learnt)} (ids {learnt[:8]}), but its text, which is scored and "
                    f"sampled, is {_text(trained, scored)} (ids {scored[:8]})",
                    "take the template's form without thinking (such as qwen3_nothink), or set adapters.*.train.enable_thinking: "
                    "false, which puts the empty thought into the prompt",
                )
            )
    return Gate("what is trained as an answer is what is scored", looked_at, tuple(findings))


def turn_gate(
    rows: Sequence[dict],
    *,
    target_chars: int,
    max_new_tokens: int,
    room: int,
    history_turns: int,
) -> Gate:
    """A continuation in several turns asks for each turn in the way that the rows do.

    Args:
        rows: training rows.
        target_chars, max_new_tokens: from the sampling settings: the length asked for, and the length of one turn.
        room: how many tokens `cutoff_len` leaves for the story and its next passage.
        history_turns: the most earlier turns that a question is asked with.
    """
    name = "further turns are asked as rows are"
    if not target_chars:
        return Gate(name, 0, (), note="a continuation is asked for once")
    findings = []
    deepest = max((len(row["history"]) for row in rows), default=0)
    if history_turns > deepest:
        findings.append(
            Finding(
                "sampling.target_chars",
                f"a later turn is asked with up to {history_turns} earlier ones, but no row has more than {deepest}",
                "raise datasets.*.history.share, or lower datasets.*.history.turns"
                if deepest
                else "raise datasets.*.history.share, or set it to 0: then the story so far is the prompt",
            )
        )
    if max_new_tokens * 2 > room:
        findings.append(
            Finding(
                "sampling.max_new_tokens",
                f"a turn of {max_new_tokens} tokens and the one before it take more than the {room} that cutoff_len leaves to them",
                f"set it to {room // 2} or less, and sampling.target_chars is reached in more turns; or raise cutoff_len",
            )
        )
    return Gate(name, len(rows), tuple(findings))


def stop_gate(rows: Iterable[dict], trained: Prompting, asked: Prompting) -> Gate:
    """The token that ends each row is one that inference stops on."""
    looked_at, findings = 0, {}
    for row in rows:
        looked_at += 1
        stop = next(
            (token for token in reversed(trained.split_ids(row)[1]) if token in trained.stop_ids),
            None,
        )
        if stop is not None and stop not in asked.stop_ids and stop not in findings:
            findings[stop] = Finding(
                row["id"],
                f"rows end with {_name(trained, stop)}, but with the template {asked.template_name} inference stops only on "
                f"{', '.join(_name(asked, i) for i in sorted(asked.stop_ids))}: the model will stop, nobody will heed it, and it will "
                "go on with something else",
                f"train with the template it is asked with ({asked.template_name}): leave out adapters.*.train_template",
            )
    return Gate(
        "inference stops on the stop token that is trained", looked_at, tuple(findings.values())
    )


def whole_row_gate(rows: Iterable[dict], uncut: Prompting, cut: Prompting, cutoff: int) -> Gate:
    """No row is cut by the trainer, and every row ends with its stop token.

    Args:
        rows: training rows.
        uncut: words the rows at full length.
        cut: words them as the trainer will, with `cutoff_len`.
        cutoff: that `cutoff_len`, in tokens.
    """
    looked_at, findings = 0, []
    for row in rows:
        looked_at += 1
        ids, _ = uncut.training_ids(row)
        if cut.training_ids(row)[0] != ids:
            findings.append(
                Finding(
                    row["id"],
                    f"{len(ids)} tokens do not fit into cutoff_len = {cutoff}; what the trainer would drop at the end: "
                    f"{_text(uncut, ids[cutoff:])}",
                    f"set adapters.*.train.cutoff_len to {len(ids)} or more, or make pairs.lengths shorter",
                )
            )
        elif not _ends_with_stop(uncut, row):
            findings.append(
                Finding(
                    row["id"],
                    f"the row ends with {_text(uncut, ids[-4:])}, none of which is a stop token of the template {uncut.template_name} "
                    f"({', '.join(_name(uncut, i) for i in sorted(uncut.stop_ids))}): the model would never learn to stop",
                    "use a template whose answers end with a stop token (`empty` has none)",
                )
            )
    return Gate("no row is cut, and each ends with its stop token", looked_at, tuple(findings))


def block_gate(blocks: Iterable[dict], tokenizer, cutoff: int) -> Gate:
    """No block of raw text is cut by the trainer, and none holds the end of one document and the beginning of another.

    Args:
        blocks: with `id` and `input_ids`.
        tokenizer: the model's.
        cutoff: the trainer's `cutoff_len`, in tokens.
    """
    looked_at, findings = 0, []
    for block in blocks:
        looked_at += 1
        ids = block["input_ids"]
        if len(ids) > cutoff:
            findings.append(
                Finding(
                    block["id"],
                    f"{len(ids)} tokens do not fit into cutoff_len = {cutoff}",
                    "delete the stage's data and run again: the blocks were made for another cutoff_len",
                )
            )
        if tokenizer.eos_token_id in ids[1:-1]:
            findings.append(
                Finding(
                    block["id"],
                    f"{tokenizer.eos_token} stands in the middle of a block",
                    "remove it from the novel's text (novels.*.watermarks takes a pattern)",
                )
            )
    return Gate("no block is cut, and none mixes chapters", looked_at, tuple(findings))


def text_gate(rows: Iterable[dict], tokenizer, keys: Sequence[str]) -> Gate:
    """No row's text holds what the tokenizer reads as a special token, such as a stray `<|im_end|>` of a web page.

    Args:
        rows: training rows.
        tokenizer: as it is in training.
        keys: the fields of a row that hold text.
    """
    special = re.compile(
        "|".join(
            map(
                re.escape,
                sorted(filter(None, tokenizer.all_special_tokens), key=len, reverse=True),
            )
        )
        or "$^"
    )
    looked_at, findings = 0, []
    for row in rows:
        looked_at += 1
        for key in keys:
            if found := special.search(row[key]):
                findings.append(
                    Finding(
                        row["id"],
                        f"{key} holds {found[0]}, which the tokenizer takes for a token of its own",
                        "remove it from the novel's text (novels.*.watermarks takes a pattern) or from the dataset's instruction and system prompts",
                    )
                )
    return Gate("the text holds no special tokens", looked_at, tuple(findings))


def _mismatch(
    row: dict, trained: Prompting, asked: Prompting, learnt: list[int], question: list[int]
) -> Finding:
    here = next(
        (i for i, (a, b) in enumerate(zip(learnt, question, strict=False)) if a != b),
        min(len(learnt), len(question)),
    )
    return Finding(
        row["id"],
        f"from token {here} on the prompt differs: trained {_text(trained, learnt[here:])} (ids {learnt[here : here + 8]}), "
        f"asked {_text(asked, question[here:])} (ids {question[here : here + 8]})",
        f"ask as it was trained: one template for both (trained {trained.template_name}, asked {asked.template_name}), "
        "and sampling.system: null, which takes each row's own",
    )


def _ends_with_stop(prompting: Prompting, row: dict) -> bool:
    """Whether the answer has a stop token, and after it nothing but the white space of the template."""
    answer = prompting.split_ids(row)[1]
    stops = [index for index, token in enumerate(answer) if token in prompting.stop_ids]
    return (
        bool(stops)
        and not prompting.tokenizer.decode(
            answer[stops[-1] + 1 :], skip_special_tokens=False
        ).strip()
    )


def _name(prompting: Prompting, index: int) -> str:
    return f"{prompting.tokenizer.convert_ids_to_tokens(index)} ({index})"


def _text(prompting: Prompting, ids: list[int]) -> str:
    shown = prompting.tokenizer.decode(ids[:SHOWN], skip_special_tokens=False)
    return repr(shown) + ("…" if len(ids) > SHOWN else "")
