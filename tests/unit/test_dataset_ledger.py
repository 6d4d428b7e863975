"""The account of characters adds up, whatever the spans, and the audit, which counts by other means, finds the same."""

import copy
import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.audit import audit
from xuxie.dataset.character_audit import swept
from xuxie.dataset.files import DatasetFiles, NovelFiles
from xuxie.dataset.ledger import CharacterAccount, account_for_characters, coverage

LENGTH = 80
claims = st.lists(
    st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH), st.sampled_from("abcde")), max_size=15
)


@given(claims)
def test_characters_by_label_add_up_and_a_sweep_finds_the_same(entries):
    account = CharacterAccount(LENGTH, "rest")
    ranked = [((0,), 0, LENGTH, "rest")]
    for rank, (one, other, label) in enumerate(entries, 1):
        start, end = sorted((one, other))
        account.enter((start, end), label)
        ranked.append(((rank,), start, end, label))
    assert sum(account.totals().values()) == LENGTH
    strip = account.strip()
    assert strip == swept(LENGTH, ranked) and strip[0][0] == 0 and strip[-1][1] == LENGTH
    assert all(
        left[1] == right[0] and left[2] != right[2] for left, right in itertools.pairwise(strip)
    )
    totals = Counter()
    for start, end, label in strip:
        totals[label] += end - start
    assert account.totals() == totals


TEXT = "".join(chr(0x4E00 + place) for place in range(LENGTH))


@st.composite
def novels(draw):
    """A novel's files and a dataset made of it, with the ledger that belongs to them."""
    cuts = sorted(draw(st.sets(st.integers(5, LENGTH - 5), min_size=4, max_size=9)))
    # One chapter a chunk: the first is trained on, the others wherever.
    splits = ["train", *[draw(st.sampled_from(["train", "val", "test"])) for _ in cuts[2:]]]
    chapters = [{"start": start, "end": end} for start, end in itertools.pairwise(cuts)]
    asked = draw(st.booleans())
    chunks = [{"id": f"c{i}", **chapter} for i, chapter in enumerate(chapters) if asked]
    fates = [draw(st.sampled_from(["unasked", "failed", "asked"])) for _ in chunks]
    unasked = [
        {"chunk": chunk["id"], "because": draw(st.sampled_from(["x", "y"]))}
        for chunk, fate in zip(chunks, fates, strict=True)
        if fate == "unasked"
    ]
    failures = [
        {"chunk": chunk["id"], "failed": "refused", "pairs": 2}
        for chunk, fate in zip(chunks, fates, strict=True)
        if fate == "failed"
    ]
    pairs, unplaced, untrained, rows = [], [], [], {"train": [], "val": [], "test": []}
    texts = {"train_text": [], "val_text": []}

    def place(number: int, name: str, start: int, edge: int, end: int, cut_by: str) -> None:
        told = {what: draw(st.sampled_from(["", f"[{what}]"])) for what in ("state", "outline")}
        rows[splits[number]].append(
            {
                "instruction": "\n".join(["go on", *told.values()]), **told,
                "id": name, "novel": "n", "chapter": number + 1, "input": TEXT[start:edge], "output": TEXT[edge:end], "history": [],
                "span": [start, end], "prompt_span": [start, edge], "completion_span": [edge, end], "learnt": [edge, end], "cut_by": cut_by,
            }
        )  # fmt: skip

    for number, chapter in enumerate(chapters):
        start, end = chapter["start"], chapter["end"]
        first, edge, last = sorted(draw(st.tuples(*[st.integers(start, end)] * 3)))
        hole = draw(st.booleans()) and splits[number] == "train" and last < end
        if hole:
            untrained.append(
                {"novel": "n", "chapter": number + 1, "span": [last, end], "because": draw(st.sampled_from("uv"))}
            )  # fmt: skip
        if edge < last and (draw(st.booleans()) or splits[number] != "train"):
            place(number, f"n-{edge}", first, edge, last, "structure")
        for index in range(
            draw(st.integers(1, 3)) if number < len(fates) and fates[number] == "asked" else 0
        ):
            because = draw(
                st.sampled_from([None, "score below threshold", "overlaps a better pair"])
            )
            pair = {
                "id": f"c{number}-p{index}", "chunk": f"c{number}", "length": "short", "prompt": TEXT[first:edge],
                "completion": TEXT[edge:last], "prompt_span": [first, edge], "completion_span": [edge, last], "kept": because is None,
                "dropped_because": because, "score": draw(st.none() | st.integers(0, 10)),
            }  # fmt: skip
            pairs.append(pair)
            if pair["kept"] and draw(st.booleans()):
                unplaced.append(
                    {"id": pair["id"], "novel": "n", "because": "in a held-out chapter"}
                )
            elif pair["kept"]:
                place(number, pair["id"], first, edge, last, "reader")
    # A chapter is of the split that its rows are in; one without is trained on.
    splits = [
        next(
            (split for split in rows if any(row["chapter"] == number for row in rows[split])),
            "train",
        )
        for number in range(1, len(chapters) + 1)
    ]
    held_back = {hole["chapter"]: hole["span"][0] for hole in untrained}
    for number, chapter in enumerate(chapters, 1):
        start, end = chapter["start"], held_back.get(number, chapter["end"])
        if splits[number - 1] == "train" and start < end:
            texts["train_text"].append(
                {"novel": "n", "text": TEXT[start:end], "span": [start, end]}
            )
    kept = [pair for pair in pairs if pair["kept"]]
    files = NovelFiles(
        text=TEXT,
        counts={"sources": [{"characters": LENGTH + 3}], "steps": {"spaces": {"added": 1, "removed": 4}}},
        chapters=chapters,
        findings={"characters": {"text": LENGTH, "chapters": cuts[-1] - cuts[0], "elsewhere": LENGTH - cuts[-1] + cuts[0]}},
        chunks=chunks, unasked=unasked, failures=failures, pairs=pairs,
    )  # fmt: skip
    reasons = {row["id"]: row["because"] for row in unplaced}
    dropped = [
        (pair, reason)
        for pair in pairs
        if (reason := pair["dropped_because"] or reasons.get(pair["id"]))
    ]

    def tally(values):
        values = list(values)
        return {value: values.count(value) for value in dict.fromkeys(values)}

    asked_for = len(pairs) + 2 * len(failures)
    account = account_for_characters(
        TEXT, chapters=chapters, chunks=chunks, unasked=unasked, failures=failures, dropped=dropped, untrained=untrained, rows=rows,
    )  # fmt: skip
    totals = account.totals()
    trained = {
        number: (chapter["start"], chapter["end"])
        for number, chapter in enumerate(chapters, 1)
        if splits[number - 1] == "train"
    }
    part = {
        "source": {"decoded": LENGTH + 3, "added": 1, "removed": 4, "kept": LENGTH, "steps": {"spaces": {"added": 1, "removed": 4}}},
        "characters": {"kept": {split: totals.pop(split, 0) for split in rows}, "dropped": totals},
        "coverage": coverage(account, trained),
        "strip": account.strip(),
        "pairs": {
            "chunks": {"all": len(chunks), "asked": len(chunks) - len(unasked), "not_asked": tally(row["because"] for row in unasked)},
            "asked": asked_for, "candidates": len(pairs), "kept": len(kept), "failed": {"refused": 2 * len(failures)} if failures else {},
            "dropped": tally(pair["dropped_because"] for pair in pairs if not pair["kept"]),
            "lengths": {"short": {"asked": asked_for, "candidates": len(pairs), "kept": len(kept)}},
        } if asked else {},
        "rows": {split: len(own) for split, own in rows.items()},
        "rows_cut_by": {split: tally(row["cut_by"] for row in own) for split, own in rows.items()},
        "rows_dropped": tally(reasons.values()),
    }  # fmt: skip
    every = sum(map(len, rows.values()))
    told = {
        what: {split: sum(bool(row[what]) for row in own) for split, own in rows.items()}
        for what in ("state", "outline")
    }
    return (
        {
            "rows": part["rows"],
            "turns": {"0": every} if every else {},
            "told": told,
            "novels": {"n": part},
        },
        DatasetFiles(rows, texts, unplaced, untrained),
        {"n": files},
    )


@given(novels())
def test_the_audit_finds_no_difference_in_a_true_ledger(made):
    ledger, *_ = made
    sums = audit(*made)
    assert not sums.differing
    assert len(sums.entries) >= 25
    characters = ledger["novels"]["n"]["characters"]
    assert sum(characters["kept"].values()) + sum(characters["dropped"].values()) == LENGTH


def figures(node, path=()):
    """The place of every number of a ledger."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from figures(value, (*path, key))
        elif isinstance(value, list):
            yield from ((*path, key, index, edge) for index in range(len(value)) for edge in (0, 1))
        else:
            yield (*path, key)


@given(novels(), st.data())
def test_the_audit_finds_any_figure_that_is_off_by_one(made, data):
    ledger, dataset, files = made
    changed = copy.deepcopy(ledger)
    *path, last = data.draw(st.sampled_from(list(figures(ledger))))
    node = changed
    for key in path:
        node = node[key]
    node[last] += data.draw(st.sampled_from([-1, 1]))
    assert audit(changed, dataset, files).differing, (path, last)


@pytest.mark.parametrize(
    "what", ["rows", "texts", "unplaced", "untrained", "pairs", "failures", "unasked", "chunks"]
)
@given(made=novels(), data=st.data())
def test_the_audit_finds_any_row_that_is_gone(what, made, data):
    ledger, dataset, files = copy.deepcopy(made)
    kept = getattr(dataset, what, None) if what in vars(dataset) else getattr(files["n"], what)
    lists = list(kept.values()) if isinstance(kept, dict) else [kept]
    full = [rows_of_one for rows_of_one in lists if rows_of_one]
    if full:
        chosen = data.draw(st.sampled_from(full))
        chosen.pop(data.draw(st.integers(0, len(chosen) - 1)))
        assert audit(ledger, dataset, files).differing
