"""The exam of one dataset's metrics, from its novels alone; that of bits per character needs a model, and is sat where one is loaded."""

import logging
from collections.abc import Sequence

from xuxie.evaluation.contexts import Plan, Reading
from xuxie.evaluation.exam import (
    OUT_OF_PLACE,
    PARAPHRASE,
    READ,
    TRUE,
    Materials,
    Passage,
    Values,
    areas,
    certify,
    corrupted,
    cut_passages,
    grade,
)
from xuxie.evaluation.likelihood import Bits, Side, bits_by_token
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import Highlighter, equally_long, text_metrics, training_text
from xuxie.files.novel_text import Chapter, chapter_of, chapter_spans, read_text
from xuxie.files.rows import read_rows, write_json, write_rows
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.authors import BASE, HUMAN
from xuxie.sampling.spread import evenly_spread

logger = logging.getLogger(__name__)

_SHORTEST = 100
"""Characters of a passage that a model wrote which metrics are tried on."""


def examine_metrics(
    train: str,
    test: str,
    texts: list[str],
    chapters: list[str],
    foreign: str | None,
    exam: str,
    passages: str,
    *,
    names: list[str],
    settings: dict,
) -> None:
    """Write exam.json, the certificate of every metric of a text, and the passages that it sat on, true and corrupted.

    Args:
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        foreign: a text of another author's; none if there is none.
        settings: `evaluation.exam` of the config, with the `seed` of the evaluation.
    """
    novels = dict(zip(names, map(read_text, texts), strict=True))
    held_out, others = parted_chapters(
        novels, chapter_spans(names, chapters), list(read_rows(test))
    )
    cut = cut_passages(held_out, chars=settings["chars"], count=settings["passages"])
    novel, training = "\n".join(novels.values()), training_text(read_rows(train))
    highlighter = Highlighter(novel, training)
    versions = corrupted(
        cut,
        Materials(
            novel,
            training,
            _of_another(read_text(foreign), cut) if foreign else "",
            highlighter.finder,
        ),
        seed=settings["seed"],
    )
    values = measure_versions(
        [passage.context for passage in cut],
        {TRUE: [passage.text for passage in cut], **versions},
        highlighter,
        Style(others),
    )
    where = [passage.chapter for passage in cut]
    write_json(
        exam,
        {
            "passages": len(cut),
            "chapters": len(set(where)),
            "characters": sum(len(passage.text) for passage in cut),
            "bound": settings["auc"],
            "corruptions": {
                name: sum(text is not None for text in version)
                for name, version in versions.items()
            }
            | {PARAPHRASE: 0},
            "metrics": grade(values, where, bound=settings["auc"]),
        },
    )
    write_rows(
        passages,
        (
            {
                "novel": passage.chapter[0],
                "chapter": passage.chapter[1],
                "context": passage.context,
                TRUE: passage.text,
                "corrupted": {name: texts[number] for name, texts in versions.items()},
            }
            for number, passage in enumerate(cut)
        ),
    )


def parted_chapters(
    novels: dict[str, str], spans: dict[Chapter, tuple[int, int]], held_out: list[dict]
) -> tuple[dict[Chapter, str], list[str]]:
    """The text of each held-out chapter by novel and number, and of all other chapters.

    Args:
        held_out: the rows of the test split.
    """
    texts = {chapter: novels[chapter[0]][start:end] for chapter, (start, end) in spans.items()}
    unseen = dict.fromkeys(chapter_of(row) for row in held_out)
    return (
        {chapter: texts[chapter] for chapter in unseen},
        [text for chapter, text in texts.items() if chapter not in unseen],
    )


def measure_versions(
    contexts: Sequence[str],
    versions: dict[str, list[str | None]],
    highlighter: Highlighter,
    style: Style,
) -> Values:
    """Every metric of a text, by metric and version, one value per passage.

    Args:
        contexts: what stands before each passage.
        versions: the passages' texts by version; None where there is none.
    """
    texts = [
        (context, text)
        for version in versions.values()
        for context, text in zip(contexts, version, strict=True)
        if text
    ]
    measured = iter(
        {**text_metrics(text, found), "style_delta": (style.delta(text), 1)}
        for (_, text), found in zip(texts, highlighter.highlights(texts), strict=True)
    )
    by_version = {
        name: [next(measured) if text else {} for text in version]
        for name, version in versions.items()
    }
    metrics = dict.fromkeys(
        metric for found in by_version.values() for one in found for metric in one
    )
    return {
        metric: {
            name: [_value(*one.get(metric, (None, 0))) for one in found]
            for name, found in by_version.items()
        }
        for metric in metrics
    }


def examine_bits(
    model,
    prompting: Prompting,
    template_row: dict,
    passages: Sequence[dict],
    placed: tuple[Plan, Side],
    *,
    count: int,
) -> dict[str, dict]:
    """The AUC of bits per character under a model, by corruption.

    What it is meant for is told by readings that the comparison has made anyway: the same text after its own chapter so far, and
    after another chapter. What it makes of corrupted texts, some of the passages are read for.

    Args:
        template_row: a row that is asked as all readings are.
        passages: the rows that `examine_metrics` wrote.
        placed: what was read, and what this model made of it.
        count: how many of the passages are read.
    """
    plan, side = placed
    read = evenly_spread(passages, count)
    texts = [
        (number, name, text)
        for number, row in enumerate(read)
        for name, text in {TRUE: row[TRUE], **row["corrupted"]}.items()
        if text and name in (TRUE, *READ)
    ]
    chapters = [chapter_of(row) for row in read]
    readings = [Reading(chapters[row], read[row]["context"], text) for row, _, text in texts]
    bits = bits_by_token(model, prompting, readings, template_row)
    before = len(plan.mismatched)
    values: dict[str, list[float | None]] = {
        name: [None] * (before + len(read)) for name in (TRUE, OUT_OF_PLACE, *READ)
    }
    for place, (item, index) in enumerate(zip(plan.mismatched, plan.full, strict=False)):
        values[TRUE][place] = _per_character(side.whole[index], item.completion)
        values[OUT_OF_PLACE][place] = _per_character(side.mismatched[place], item.completion)
    for (number, name, text), found in zip(texts, bits, strict=True):
        values[name][before + number] = _per_character(found, text)
    where = [item.chapter for item in plan.mismatched]
    return areas({"bits": values}, where + chapters)["bits"]


def examine_on_base(
    samples: Sequence[dict], highlighter: Highlighter, style: Style
) -> dict[str, dict[str, dict]]:
    """By metric its AUC of the author's true continuations against those of the base model (`base`), each pair of one length.

    Args:
        samples: the rows of samples.jsonl.
    """
    cut = equally_long(samples, [HUMAN, BASE])
    return _examine_on(
        BASE,
        [
            (chapter_of(sample), sample["prompt"]["input"], true, false)
            for (sample, true), (_, false) in zip(
                cut.get(HUMAN, []), cut.get(BASE, []), strict=False
            )
        ],
        highlighter,
        style,
    )


def examine_on_paraphrases(
    passages: Sequence[dict], highlighter: Highlighter, style: Style
) -> dict[str, dict[str, dict]]:
    """By metric its AUC of the author's passages against their paraphrases (`paraphrase`), each pair of one length.

    Args:
        passages: the rows that `examine_metrics` wrote, with paraphrases (see `with_paraphrases`).
    """
    pairs = []
    for row in passages:
        if written := row["corrupted"].get(PARAPHRASE):
            true = row[TRUE][: len(written)]
            pairs.append((chapter_of(row), row["context"], true, written))
    return _examine_on(PARAPHRASE, pairs, highlighter, style)


def _examine_on(
    name: str,
    pairs: Sequence[tuple[Chapter, str, str, str]],
    highlighter: Highlighter,
    style: Style,
) -> dict[str, dict[str, dict]]:
    """By metric the AUC under this name, from (chapter, text before, true, false), of which those that are too short are left out."""
    long = [pair for pair in pairs if len(pair[2]) >= _SHORTEST]
    values = measure_versions(
        [context for _, context, _, _ in long],
        {TRUE: [true for _, _, true, _ in long], name: [false for *_, false in long]},
        highlighter,
        style,
    )
    return areas(values, [chapter for chapter, *_ in long])


def examined_further(exam: dict, *tried: dict[str, dict[str, dict]]) -> dict:
    """The exam with what was tried beyond it, and each certificate anew.

    Args:
        exam: what `examine_metrics` wrote.
        tried: the AUC by metric and corruption, of one further trial each.
    """
    auc = {metric: dict(found["auc"]) for metric, found in exam["metrics"].items()}
    for found in tried:
        for metric, areas_of_metric in found.items():
            auc.setdefault(metric, {}).update(areas_of_metric)
    counted = {
        name: max((found[name]["passages"] for found in auc.values() if name in found), default=0)
        for name in (BASE, PARAPHRASE)
    }
    return {
        **exam,
        "corruptions": {**exam["corruptions"], **counted},
        "metrics": {
            metric: certify(metric, found, bound=exam["bound"]) for metric, found in auc.items()
        },
    }


def _per_character(bits: Bits, text: str) -> float:
    return sum(value for _, value in bits) / len(text)


def _of_another(text: str, passages: Sequence[Passage]) -> str:
    """The text, unless it is the very novel that the passages are from."""
    return "" if any(passage.text in text for passage in passages) else text


def _value(part: float | None, whole: float) -> float | None:
    return part / whole if part is not None and whole else None
