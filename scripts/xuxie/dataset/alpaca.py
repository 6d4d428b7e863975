"""Alpaca rows and LLaMA-Factory's registry for them."""

import random
from collections.abc import Iterable

from xuxie.dataset.history import history, passages_before, wanted_turns
from xuxie.dataset.telling import Telling
from xuxie.prompts.told import instruction_alone, told

COLUMNS = {
    "prompt": "instruction",
    "query": "input",
    "response": "output",
    "system": "system",
    "history": "history",
}


def alpaca_row(
    passage: dict,
    *,
    split: str,
    telling: Telling,
    text: str,
    earliest: int,
    instructions: list[str],
    systems: list[str],
    turns: dict | None,
    prompt_learnt: bool,
    seed: int,
) -> dict:
    """One row to train on or to ask with.

    The wording of instruction and system prompt, and how many earlier turns there are, is drawn by seed and passage. Keys
    beyond LLaMA-Factory's columns say where the row comes from: `span` is the stretch of the text that it shows, `learnt` the
    part of it that carries loss. What it is told beside the passage, `state` and `outline`, stands below its instruction too; of
    a test row it does not, so that it can be asked with and without.

    Args:
        passage: id, novel, chapter, length, cut_by, prompt, completion and their spans.
        split: which the row belongs to.
        telling: what the rows of the novel are told.
        text: the passage's novel.
        earliest: where earlier turns may begin in it.
        turns: the dataset's `history` settings; None for a row without earlier turns.
        prompt_learnt: whether the prompt carries loss too.
    """
    draw = random.Random(f"{seed} {passage['id']}")
    instruction = draw.choice(instructions)
    system = draw.choice(systems) if systems else ""
    start, end = passage["prompt_span"][0], passage["completion_span"][1]
    passages = []
    if turns:
        wanted = wanted_turns(draw, share=turns["share"], turns=turns["turns"])
        passages = passages_before(text, earliest, start, turns=wanted, size=turns["passage"])
    begin = passages[0][0] if passages else start
    state, outline = telling.state(passage, begin, split), telling.outline(passage)
    return {
        "instruction": instruction if split == "test" else told(instruction, state, outline),
        "input": passage["prompt"],
        "output": passage["completion"],
        "system": system,
        "history": history(instruction, [text[first:last] for first, last in passages]),
        **{key: passage[key] for key in ("id", "novel", "chapter", "length", "cut_by")},
        "state": state,
        "outline": outline,
        "span": [begin, end],
        "prompt_span": passage["prompt_span"],
        "completion_span": passage["completion_span"],
        "learnt": [start, end] if prompt_learnt else passage["completion_span"],
    }


def prose(row: dict) -> str:
    """All of the novel that a row shows, in reading order: earlier turns without the instruction, prompt and completion."""
    turns = (
        [
            row["history"][0][0].removeprefix(f"{instruction_alone(row)}\n"),
            *(answer for _, answer in row["history"]),
        ]
        if row["history"]
        else []
    )
    return "".join([*turns, row["input"], row["output"]])


def dataset_info(name: str, splits: Iterable[str], texts: Iterable[str] = ()) -> dict:
    """The registry entries of a dataset's files: `{name}_{split}` for each.

    Args:
        splits: files of Alpaca rows.
        texts: files of plain text, for the stage `pt`.
    """
    rows = {
        f"{name}_{split}": {
            "file_name": f"{split}.jsonl",
            "formatting": "alpaca",
            "columns": COLUMNS,
        }
        for split in splits
    }
    return rows | {
        f"{name}_{file}": {"file_name": f"{file}.jsonl", "columns": {"prompt": "text"}}
        for file in texts
    }
