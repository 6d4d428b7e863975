"""From novels and their pairs to the rows of a dataset: split, cut, put into rows, and prove that nothing leaks."""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from xuxie.dataset.alpaca import alpaca_row
from xuxie.dataset.notes import notes
from xuxie.dataset.novel import Novel
from xuxie.dataset.passages import (
    STRUCTURE,
    disjoint,
    from_pair,
    from_structure,
    with_prompt,
    without_overlap,
)
from xuxie.dataset.separation import (
    keep_apart,
    keep_away,
    leave_out_repeated,
    prove_apart,
)
from xuxie.dataset.split import split_chapters
from xuxie.dataset.stretches import Usable
from xuxie.dataset.telling import telling_of
from xuxie.dataset.tiling import Size
from xuxie.errors import UserError
from xuxie.text.sentences import bounds

PAIRS = "pairs"
"""The other of `rows.cuts`, beside STRUCTURE: rows that an LLM has chosen."""


def build(
    novels: Sequence[Novel],
    settings: dict,
    *,
    dataset: str,
    generator: str | None,
    language: str = "zh",
    completion_chars: int,
    prompt_chars: int,
) -> dict[str, int]:
    """Give every novel its split, its rows and its texts.

    Args:
        settings: the dataset's entry in the config.
        generator: the endpoint that chose the pairs.
        language: that rows are told of the story in, if they are.
        completion_chars, prompt_chars: about how long completions and prompts of the test rows are. They do not belong to the
            dataset, so that all datasets of a novel and split have the same ones.

    Returns:
        What the proof of no leak has compared (see `check_no_leak`).

    Raises:
        UserError: too few chapters; a passage is on both sides and `on_leak` says stop; nothing is left to train on.
    """
    where = f"dataset {dataset}"
    split = settings["split"]
    for novel in novels:
        _split(novel, split)
        keep_away(novel, split["gap"])
    keep_apart(novels, split["on_leak"], where)
    sizes = [Size.from_settings(size) for size in settings["rows"]["completions"]]
    around = Size("test", 1, (completion_chars // 2, completion_chars * 3 // 2))
    written: dict[str, list[dict]] = {}
    for novel in novels:
        novel.notes = notes(novel.text, novel.usable, sizes)
        written[novel.name] = _cut(novel, settings, sizes, around, generator)
    leave_out_repeated(novels, settings["near_duplicate"])
    for novel in novels:
        _word(novel, written[novel.name], settings, prompt_chars, language)
        _whole_texts(novel)
    leak = prove_apart(novels, split["on_leak"], where)
    if not any(novel.rows["train"] for novel in novels):
        raise _nothing_left(novels, settings["rows"]["cuts"], where)
    return leak


def untold(settings: dict) -> dict:
    """The same settings for rows that are told nothing of the story, which cost less; their passages are the same."""
    return {**settings, "rows": {**settings["rows"], "state": {"share": 0}}}


def _nothing_left(novels: Sequence[Novel], cuts: Sequence[str], where: str) -> UserError:
    """Why there is no row to train on, and what to do about it."""
    where = f"{where}, novels {', '.join(novel.name for novel in novels)}"
    if STRUCTURE not in cuts:
        return UserError(
            f"no row is left to train on, and rows.cuts has no structure; {_fate_of_pairs(novels)}",
            where=where,
            remedy="let structure cut rows too (rows.cuts), lower pairs.threshold, ask more chunks, or look at the pairs' reasons",
        )
    taken: Counter[str] = Counter()
    for hole in (hole for novel in novels for hole in novel.untrained()):
        taken[hole["because"]] += hole["span"][1] - hole["span"][0]
    return UserError(
        f"no row is left to train on; characters of the training chapters that are kept out: {dict(taken)}",
        where=where,
        remedy="make split.gap, or what is held out (split.val, split.test), smaller; or look whether the novel's files hold the same text twice",
    )


def _fate_of_pairs(novels: Sequence[Novel]) -> str:
    """How many candidate pairs there were, how they scored, and why none became a row."""
    pairs = [pair for novel in novels for pair in novel.pairs]
    scores = sorted(pair["score"] for pair in pairs if pair["score"] is not None)
    reasons = Counter(pair["dropped_because"] for pair in pairs if not pair["kept"])
    reasons.update(because for novel in novels for because in novel.unplaced.values())
    spread = (
        f"scores from {scores[0]} to {scores[-1]}, median {median(scores)}"
        if scores
        else "none of them scored"
    )
    return f"{len(pairs)} candidate pairs, {spread}; dropped: {dict(reasons)}"


def _split(novel: Novel, split: dict) -> None:
    numbers = range(1, len(novel.chapters) + 1)
    novel.splits = split_chapters(
        numbers, method=split["method"], val=split["val"], test=split["test"], seed=split["seed"], novel=novel.name
    )  # fmt: skip
    novel.usable = {number: Usable(bounds(novel.text, *novel.span(number))) for number in numbers}


def _cut(
    novel: Novel, settings: dict, sizes: Sequence[Size], around: Size, generator: str | None
) -> list[dict]:
    """Tile every chapter; return the passages that an LLM has written, which stand beside the novel's own text."""
    rows, seed = settings["rows"], settings["split"]["seed"]
    written, chosen = _sorted_out(novel, settings)
    for number, usable in novel.usable.items():
        split = novel.splits[number]
        pairs, beaten = disjoint(chosen.get(number, ()))
        novel.unplaced |= dict.fromkeys(
            (pair["id"] for pair in beaten), "overlaps a better pair's row"
        )
        tiles = [from_pair(pair, generator, own_prompt=rows["own_prompts"]) for pair in pairs]
        # Val rows stand for the whole of their chapters, test rows moreover for every recipe.
        if split != "train" or STRUCTURE in rows["cuts"]:
            taken = [pair["completion_span"] for pair in pairs]
            for stretch in usable.stretches:
                tiles += from_structure(
                    novel.text, novel.name, number, stretch, taken, [around] if split == "test" else sizes, seed
                )  # fmt: skip
        novel.tiles[number] = sorted(tiles, key=lambda tile: tile["completion_span"])
    return [from_pair(pair, generator, own_prompt=True) for pair in written]


def _sorted_out(novel: Novel, settings: dict) -> tuple[list[dict], dict[int, list[dict]]]:
    """The kept pairs that may become rows: those that an LLM wrote, and by chapter those that it chose."""
    written: list[dict] = []
    chosen: dict[int, list[dict]] = {}
    for pair in (pair for pair in novel.pairs if pair["kept"]):
        usable = novel.usable[pair["chapter"]]
        start, end = pair["prompt_span"][0], pair["completion_span"][1]
        if PAIRS not in settings["rows"]["cuts"]:
            why = "rows are cut by structure alone"
        elif settings["lengths"] is not None and pair["length"] not in settings["lengths"]:
            why = "length class not wanted"
        elif novel.splits[pair["chapter"]] == "test":
            why = "in a held-out chapter"
        elif not usable.stretch_of(start, end):
            why = usable.why_not(start, end)
        else:
            verbatim = novel.text[slice(*pair["completion_span"])] == pair["completion"]
            (chosen.setdefault(pair["chapter"], []) if verbatim else written).append(pair)
            continue
        novel.unplaced[pair["id"]] = why
    return written, chosen


def _word(
    novel: Novel, written: list[dict], settings: dict, prompt_chars: int, language: str
) -> None:
    """Make rows of the tiles and of the passages that an LLM has written."""
    seed = settings["split"]["seed"]
    headings = {number: novel.heading(number) for number in novel.usable}
    telling = telling_of(novel, headings, settings, language)
    for number, usable in novel.usable.items():
        split, opening = novel.splits[number], headings[number]
        apart = split != "test" and not settings["rows"]["overlap"]
        if apart:
            passages = _apart(novel, number, opening, settings)
        else:
            reaches = [prompt_chars] if split == "test" else settings["rows"]["prompts"]
            passages = [
                with_prompt(tile, novel.text, usable, opening, reaches, seed)
                for tile in novel.tiles[number]
            ]
        passages += [passage for passage in written if passage["chapter"] == number]
        for passage in passages:
            shown = passage["prompt_span"][0], passage["completion_span"][1]
            stretch = usable.stretch_of(*shown)
            if stretch is None:
                # A prompt of its own reaches into what was left out since.
                novel.note_unplaced(passage, usable.why_not(*shown))
                continue
            novel.rows[split].append(
                alpaca_row(
                    passage, split=split, telling=telling, text=novel.text, earliest=stretch[0], instructions=settings["instruction"], systems=settings["system"],
                    turns=None if split == "test" else settings["history"], prompt_learnt=apart, seed=seed,
                )
            )  # fmt: skip


def _apart(novel: Novel, chapter: int, opening: str, settings: dict) -> list[dict]:
    """A chapter's passages that share no text; a pair that stands in the prompt of one is no row."""
    passages, in_prompts = without_overlap(
        novel.tiles[chapter], novel.text, novel.usable[chapter], opening, settings["rows"]["prompts"], settings["split"]["seed"]
    )  # fmt: skip
    for tile in in_prompts:
        novel.note_unplaced(tile, "stands in another row's prompt")
    return passages


def _whole_texts(novel: Novel) -> None:
    for split, found in novel.texts.items():
        for number in novel.of_split(split):
            for start, end in novel.usable[number].stretches:
                found.append(
                    {
                        "text": novel.text[start:end],
                        "id": f"{novel.name}-{start}-{end}",
                        "novel": novel.name,
                        "chapter": number,
                        "span": [start, end],
                    }
                )
