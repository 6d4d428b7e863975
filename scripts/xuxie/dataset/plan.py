"""What a dataset will hold, before any pair of it is paid for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xuxie.dataset.build import PAIRS, build, untold
from xuxie.dataset.files import NovelFiles, novels_of
from xuxie.dataset.novel import Novel
from xuxie.dataset.passages import STRUCTURE
from xuxie.dataset.sketched import passages
from xuxie.errors import UserError
from xuxie.pairs.planning import Plan


@dataclass(frozen=True)
class PlannedDataset:
    """The rows of a dataset as far as they can be known.

    Attributes:
        train, test: its rows of these splits.
        texts: stretches of the training chapters, for the stage `pt`.
        characters: of the training chapters.
        note: what is taken on trust; empty if all of it is known.
        sketched: the passages of which an LLM is asked what happens in them.
    """

    train: list[dict]
    test: list[dict]
    texts: list[dict]
    characters: int
    note: str
    sketched: list[dict] = field(default_factory=list)


def plan_dataset(
    name: str,
    entry: dict,
    files: dict[str, NovelFiles],
    plans: dict[str, Sequence[Plan]],
    *,
    generator: str | None,
    written: bool,
    completion_chars: int,
    prompt_chars: int,
) -> PlannedDataset:
    """Build a dataset in memory: from the pairs that are there, or, before there are any, as if none was.

    Where pairs alone become rows, one of middling length stands for each that will be asked for.

    Args:
        entry: its entry in the config.
        files: of its novels, by name.
        plans: what the generator will be asked about each novel whose pairs are not there yet.
        written: the generator writes pairs of its own.
        generator, completion_chars, prompt_chars: see `build`.

    Raises:
        UserError: there are pairs, and nothing is left to train on; or there are too few chapters.
    """
    novels = novels_of(files)
    alone = STRUCTURE not in entry["rows"]["cuts"]
    planned: list[dict] = []
    note = ""
    try:
        build(
            novels,
            untold(entry),
            dataset=name,
            generator=generator,
            completion_chars=completion_chars,
            prompt_chars=prompt_chars,
        )
    except UserError:
        # That no row is left is known last, when the texts are there.
        if not (alone and plans and any(novel.texts["train"] for novel in novels)):
            raise
    if plans and PAIRS in entry["rows"]["cuts"]:
        note = "pairs are not there yet; where none is kept, structure cuts"
    if plans and alone:
        note = (
            "pairs are not there yet; at most so much, if all that are asked for are found and kept"
        )
        planned = [] if written else _middling(novels, plans, entry)
    return PlannedDataset(
        [row for novel in novels for row in novel.rows["train"]] + planned,
        [row for novel in novels for row in novel.rows["test"]],
        [text for novel in novels for text in novel.texts["train"]],
        sum(
            end - start
            for novel in novels
            for start, end in map(novel.span, novel.of_split("train"))
        ),
        note,
        list(passages(novels, entry)),
    )


def _middling(novels: Sequence[Novel], plans: dict[str, Sequence[Plan]], entry: dict) -> list[dict]:
    """For each pair that will be asked for in a training chapter a row from the middle of what is offered."""
    rows = []
    for novel in novels:
        trained = set(novel.of_split("train"))
        for plan in plans.get(novel.name, ()):
            if plan.chunk["chapter"] not in trained:
                continue
            edges = [plan.chunk["start"] + edge for edge in plan.sentences.edges]
            for place, (_, cuts) in enumerate(plan.slots):
                cut = _middle(cuts)
                start = edges[_middle(cut.prompt_firsts) - 1]
                middle = edges[cut.completion_first - 1]
                end = edges[_middle(cut.completion_lasts)]
                rows.append(
                    {
                        "instruction": entry["instruction"][0],
                        "input": novel.text[start:middle],
                        "output": novel.text[middle:end],
                        "system": next(iter(entry["system"]), ""),
                        "history": [],
                        "id": f"{plan.chunk['id']}-{place}",
                        "novel": novel.name,
                        "chapter": plan.chunk["chapter"],
                        "span": [start, end],
                        "completion_span": [middle, end],
                        "learnt": [middle, end],
                    }
                )
    return rows


def _middle(options: Sequence):
    return options[len(options) // 2]
