"""Which passages of a dataset an LLM tells of in a sentence, and to which rows these sentences are told.

An outline says what happens in a row's completion, a summary what happens in a chapter.
"""

from collections.abc import Iterable, Iterator

from xuxie.dataset.novel import Novel
from xuxie.dataset.telling import drawn

OUTLINE, SUMMARY = "outline", "summary"

_SUMMARISED = 2500
"""Characters of a chapter, from its end, that a summary is of."""


def passages(novels: Iterable[Novel], settings: dict) -> Iterator[dict]:
    """The passages to be told of: `id`, `kind`, `novel`, `chapter` and `text`.

    Args:
        novels: with their rows.
        settings: the dataset's entry in the config.
    """
    state, seed = settings["rows"]["state"], settings["split"]["seed"]
    share = settings["rows"]["outlines"]["share"]
    for novel in novels:
        for split, found in novel.rows.items():
            for row in found:
                if drawn(seed, row["id"], OUTLINE, share, split):
                    yield _passage(row["id"], OUTLINE, novel.name, row["chapter"], row["output"])
        if state["share"] and state["summary"]:
            for number in novel.splits:
                start, end = novel.span(number)
                text = novel.text[max(start, end - _SUMMARISED) : end]
                yield _passage(f"{novel.name}-chapter-{number}", SUMMARY, novel.name, number, text)


def tell(
    novels: Iterable[Novel],
    found: Iterable[dict],
    sentences: dict[str, dict],
    kinds: dict[str, dict],
) -> None:
    """Give novels the sentences that may be told.

    Args:
        found: the passages.
        sentences: what was answered, by id.
        kinds: what `examine_sketches` found.
    """
    by_name = {novel.name: novel for novel in novels}
    for passage in found:
        answer = sentences[passage["id"]]
        if not kinds[passage["kind"]]["told"] or "sentence" not in answer:
            continue
        novel = by_name[passage["novel"]]
        if passage["kind"] == OUTLINE:
            novel.outlines[passage["id"]] = answer["sentence"]
        else:
            novel.summaries[passage["chapter"]] = answer["sentence"]


def _passage(id: str, kind: str, novel: str, chapter: int, text: str) -> dict:
    return {"id": id, "kind": kind, "novel": novel, "chapter": chapter, "text": text}
