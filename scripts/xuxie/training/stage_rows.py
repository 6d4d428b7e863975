"""What a stage trains on, made from the dataset: rows that fit, or blocks of raw text; all of them, or as many as a budget holds."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from xuxie.dataset.alpaca import prose
from xuxie.files.novel_text import Chapter, chapter_of
from xuxie.prompts.prompting import Prompting, shaping_arguments
from xuxie.training.blocks import blocks
from xuxie.training.budget import coverage, drawn_within
from xuxie.training.fit import cut_between, fit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StageRows:
    """Rows, their sizes in tokens, and what happened to them.

    Attributes:
        rows: to be trained on; each has `learnt`, the span of the novel's text whose tokens carry loss.
        sizes: in tokens.
        account: for the ledger: how many rows there are and what was cut.
    """

    rows: list[dict]
    sizes: list[int]
    account: dict

    def within(self, budget: int | None, *, seed: int) -> "StageRows":
        """The rows that a budget in tokens holds; without one, all of them. Chapters that it leaves out whole are counted.

        Raises:
            UserError: it does not hold one row.
        """
        if budget is None:
            return self
        drawn = drawn_within(self.rows, self.sizes, budget, seed=seed)
        rows = [self.rows[index] for index in drawn]
        sizes = [self.sizes[index] for index in drawn]
        left_out = {
            "rows": len(self.rows) - len(drawn),
            "tokens": sum(self.sizes) - sum(sizes),
            "chapters": len(_chapters(self.rows)) - len(_chapters(rows)),
        }
        if left_out["chapters"]:
            logger.warning(
                "a budget of %d tokens leaves out %d chapters whole", budget, left_out["chapters"]
            )
        return StageRows(
            rows,
            sizes,
            {**self.account, "budget": budget, "left_out": left_out},
        )


def stage_rows(arguments: dict, rows: Sequence[dict], tokenizer) -> StageRows:
    """The rows of a stage, before any budget.

    Args:
        arguments: LLaMA-Factory's, of the stage.
        rows: of the dataset: stretches of text for the stage `pt`, Alpaca rows for `sft`.
        tokenizer: the model's.
    """
    if arguments["stage"] == "pt":
        return _blocks(rows, tokenizer, arguments["cutoff_len"])
    prompting = Prompting(tokenizer, arguments["template"], **shaping_arguments(arguments))
    return _fitted(rows, prompting, arguments["cutoff_len"], arguments.get("train_on_prompt"))


def ledger(arguments: dict, trained: StageRows, watched: StageRows, texts: Sequence[dict]) -> dict:
    """The account of a stage's rows: what was cut and left out, and how much of the training chapters carries loss."""
    return {
        "cutoff_len": arguments["cutoff_len"],
        "files": {
            split: {**taken.account, "rows": len(taken.rows), "tokens": sum(taken.sizes)}
            for split, taken in (("train", trained), ("val", watched))
        },
        "coverage": coverage(texts, trained.rows),
    }


def _chapters(rows: Sequence[dict]) -> set[Chapter]:
    return {chapter_of(row) for row in rows}


def _blocks(texts: Sequence[dict], tokenizer, cutoff: int) -> StageRows:
    rows, sizes = [], []
    for text in texts:
        first = text["span"][0]
        for number, block in enumerate(blocks(text["text"], tokenizer, cutoff), 1):
            span = [first + block.start, first + block.end]
            rows.append(
                {
                    "text": text["text"][block.start : block.end],
                    "id": f"{text['id']}-b{number}",
                    **{key: text[key] for key in ("novel", "chapter")},
                    "span": span,
                    "learnt": span,
                    "input_ids": block.ids,
                }
            )
            sizes.append(len(block.ids))
    shown, whole = (sum(len(row["text"]) for row in of) for of in (rows, texts))
    return StageRows(rows, sizes, {"characters": whole, "repeated": shown - whole})


def _fitted(
    rows: Sequence[dict], prompting: Prompting, cutoff: int, on_prompt: bool | None
) -> StageRows:
    """A row that cannot be made to fit is taken as it is, so that the gates refuse it by name."""

    def length(row: dict) -> int:
        return len(prompting.training_ids(row)[0])

    made, sizes, cut, too_long = [], [], {}, {}
    for row in rows:
        fitted = fit(row, length, cutoff)
        if fitted is None:
            too_long[row["id"]] = length(row)
        elif fitted is not row:
            cut[row["id"]] = cut_between(row, fitted)
        taken = fitted or row
        made.append({**taken, "learnt": _learnt(row, taken, on_prompt)})
        sizes.append(length(taken))
    whole = len(made) - len(cut) - len(too_long)
    return StageRows(made, sizes, {"whole": whole, "cut": cut, "too_long": too_long})


def _learnt(row: dict, fitted: dict, on_prompt: bool | None) -> list[int]:
    """The completion's span, with all that the row shows before it where prompts carry loss too. Of what an LLM has written an empty one.

    Args:
        row: of the dataset.
        fitted: the same without what was cut from its beginning.
    """
    start, end = row["completion_span"]
    if len(row["output"]) != end - start:
        return [start, start]
    if not on_prompt:
        return [start, end]
    return [row["span"][0] + len(prose(row)) - len(prose(fitted)), end]
