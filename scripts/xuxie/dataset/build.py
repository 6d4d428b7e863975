"""From novels and their pairs to the rows of a dataset: split, cut, put into rows, and prove that nothing leaks."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from xuxie.dataset.alpaca import alpaca_row, prose
from xuxie.dataset.notes import notes
from xuxie.dataset.passages import (
    disjoint,
    from_pair,
    from_structure,
    heading,
    with_prompt,
    without_overlap,
)
from xuxie.dataset.split import SPLITS, split_chapters
from xuxie.dataset.stretches import Usable
from xuxie.dataset.tiling import Size
from xuxie.errors import UserError
from xuxie.overlap.duplicates import Duplicates
from xuxie.overlap.leakage import Texts, check_no_leak, leaking_rows, shared_spans
from xuxie.text.sentences import bounds

PAIRS, STRUCTURE = "pairs", "structure"
"""Who may cut a dataset's training rows, as `rows.cuts` names them."""

NEAR, SHARED = "too near a held-out chapter", "shares a passage with a held-out chapter"


@dataclass
class Novel:
    """A novel, and what becomes of it in a dataset.

    Attributes:
        chapters: the rows of chapters.jsonl; a chapter's number here is its place in them, from 1.
        pairs: its candidate pairs.
        splits: the split of each chapter.
        usable: what of each chapter may become rows.
        tiles: completions, by chapter, in the order of the text.
        rows: by split.
        texts: stretches of whole text for the stage `pt`, by split.
        unplaced: of each kept pair that is no row, why.
        notes: what is odd about its chapters (see `notes`).
    """

    name: str
    text: str
    chapters: Sequence[dict]
    pairs: Sequence[dict] = ()
    splits: dict[int, str] = field(default_factory=dict)
    usable: dict[int, Usable] = field(default_factory=dict)
    tiles: dict[int, list[dict]] = field(default_factory=dict)
    rows: dict[str, list[dict]] = field(default_factory=lambda: {split: [] for split in SPLITS})
    texts: dict[str, list[dict]] = field(default_factory=lambda: {"train": [], "val": []})
    unplaced: dict[str, str] = field(default_factory=dict)
    notes: list[dict] = field(default_factory=list)

    def of_split(self, *names: str) -> Iterator[int]:
        """The chapters of these splits."""
        return (number for number, split in self.splits.items() if split in names)

    def span(self, chapter: int) -> tuple[int, int]:
        """Where a chapter lies in the text."""
        row = self.chapters[chapter - 1]
        return row["start"], row["end"]

    def unplaced_rows(self) -> list[dict]:
        """The kept pairs that are no row, and why."""
        return [
            {"id": pair, "novel": self.name, "because": why} for pair, why in self.unplaced.items()
        ]

    def untrained(self) -> list[dict]:
        """What of the training chapters is kept out of the rows, in order, and why."""
        return [
            {"novel": self.name, "chapter": number, "span": list(span), "because": because}
            for number in self.of_split("train")
            for span, because in sorted(self.usable[number].holes)
        ]


def build(
    novels: Sequence[Novel],
    settings: dict,
    *,
    dataset: str,
    generator: str | None,
    completion_chars: int,
    prompt_chars: int,
) -> dict[str, int]:
    """Give every novel its split, its rows and its texts.

    Args:
        settings: the dataset's entry in the config.
        generator: the endpoint that chose the pairs.
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
        _keep_away(novel, split["gap"])
    _keep_apart(novels, split["on_leak"], where)
    sizes = [Size.from_settings(size) for size in settings["rows"]["completions"]]
    around = Size("test", 1, (completion_chars // 2, completion_chars * 3 // 2))
    written: dict[str, list[dict]] = {}
    for novel in novels:
        novel.notes = notes(novel.text, novel.usable, sizes)
        written[novel.name] = _cut(novel, settings, sizes, around, generator)
    _leave_out_repeated(novels, settings["near_duplicate"])
    for novel in novels:
        _word(novel, written[novel.name], settings, prompt_chars)
        _whole_texts(novel)
    if split["on_leak"] == "drop" and any(written.values()):
        _drop_leaking(novels)
    if not any(novel.rows["train"] for novel in novels):
        raise UserError(
            f"no row is left to train on, and rows.cuts has no structure; {_fate_of_pairs(novels)}",
            where=f"{where}, novels {', '.join(novel.name for novel in novels)}",
            remedy="let structure cut rows too (rows.cuts), lower pairs.threshold, ask more chunks, or look at the pairs' reasons",
        )
    trained = [row for novel in novels for row in novel.rows["train"]]
    held_out = [row for novel in novels for row in novel.rows["val"] + novel.rows["test"]]
    return check_no_leak(_prose(trained), _prose(held_out), where=where)


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


def _keep_away(novel: Novel, gap: int) -> None:
    """Take out of training chapters what is nearer than the gap to a held-out one."""
    trained = list(novel.of_split("train"))
    for held_out in novel.of_split("val", "test"):
        start, end = novel.span(held_out)
        for number in trained:
            first, last = novel.span(number)
            near = max(first, start - gap), min(last, end + gap)
            if near[0] < near[1]:
                novel.usable[number].leave_out(*near, NEAR)


def _keep_apart(novels: Sequence[Novel], on_leak: str, where: str) -> None:
    """Take out of training chapters the sentences that have a passage in common with a held-out chapter of any novel."""
    held_out = Texts(
        *_named(
            (f"{novel.name}, chapter {number}", novel.text[slice(*novel.span(number))])
            for novel in novels
            for number in novel.of_split("val", "test")
        )
    )
    stretches = [
        (novel, number, span)
        for novel in novels
        for number in novel.of_split("train")
        for span in novel.usable[number].stretches
    ]
    texts = [novel.text[start:end] for novel, _, (start, end) in stretches]
    if on_leak == "stop":
        names = [f"{novel.name}, chapter {number}" for novel, number, _ in stretches]
        check_no_leak(Texts(names, texts), held_out, where=where)
        return
    for (novel, number, (begin, _)), shared in zip(
        stretches, shared_spans(texts, held_out), strict=True
    ):
        for start, end in shared:
            novel.usable[number].leave_out(begin + start, begin + end, SHARED)


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


def _leave_out_repeated(novels: Sequence[Novel], near: float) -> None:
    """Take out training completions that repeat a held-out one or an earlier one, of any novel."""
    held_out, trained = Duplicates(near), Duplicates(near)
    for novel in novels:
        for number in novel.of_split("val", "test"):
            for tile in novel.tiles[number]:
                held_out.add(tile["completion"])
    for novel in novels:
        for number in novel.of_split("train"):
            fresh = []
            for tile in novel.tiles[number]:
                if kind := held_out.kind_of(tile["completion"]):
                    because = f"{kind} of a held-out completion"
                elif kind := trained.kind_of(tile["completion"]):
                    because = f"{kind} of another completion"
                else:
                    trained.add(tile["completion"])
                    fresh.append(tile)
                    continue
                start, end = tile["completion_span"]
                novel.usable[number].leave_out(start, end, because)
                if tile["cut_by"] != STRUCTURE:
                    novel.unplaced[tile["id"]] = because
            novel.tiles[number] = fresh


def _word(novel: Novel, written: list[dict], settings: dict, prompt_chars: int) -> None:
    """Make rows of the tiles and of the passages that an LLM has written."""
    seed = settings["split"]["seed"]
    before = 0
    for number, usable in novel.usable.items():
        split = novel.splits[number]
        opening = heading(novel.text, before, novel.chapters[number - 1])
        before = novel.span(number)[1]
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
                novel.unplaced[passage["id"]] = usable.why_not(*shown)
                continue
            novel.rows[split].append(
                alpaca_row(
                    passage, text=novel.text, earliest=stretch[0], instructions=settings["instruction"], systems=settings["system"],
                    turns=None if split == "test" else settings["history"], prompt_learnt=apart, seed=seed,
                )
            )  # fmt: skip


def _apart(novel: Novel, chapter: int, opening: str, settings: dict) -> list[dict]:
    """A chapter's passages that share no text; a pair that stands in the prompt of one is no row."""
    passages, in_prompts = without_overlap(
        novel.tiles[chapter], novel.text, novel.usable[chapter], opening, settings["rows"]["prompts"], settings["split"]["seed"]
    )  # fmt: skip
    novel.unplaced |= {
        tile["id"]: "stands in another row's prompt"
        for tile in in_prompts
        if tile["cut_by"] != STRUCTURE
    }
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


def _drop_leaking(novels: Sequence[Novel]) -> None:
    """Leave out the training rows that have a passage in common with a held-out row still: such as an LLM has written."""
    trained = [row for novel in novels for row in novel.rows["train"]]
    held_out = [row for novel in novels for row in novel.rows["val"] + novel.rows["test"]]
    leaking = leaking_rows(_prose(trained), _prose(held_out))
    for novel in novels:
        novel.unplaced |= {
            row["id"]: "shares a passage with a held-out row"
            for row in novel.rows["train"]
            if row["id"] in leaking
        }
        novel.rows["train"] = [row for row in novel.rows["train"] if row["id"] not in leaking]


def _prose(rows: list[dict]) -> Texts:
    return Texts([row["id"] for row in rows], [prose(row) for row in rows])


def _named(texts: Iterator[tuple[str, str]]) -> tuple[list[str], list[str]]:
    both = list(texts)
    return [name for name, _ in both], [text for _, text in both]
