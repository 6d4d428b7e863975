"""The account of characters adds up, whatever the spans, and the audit, which counts by other means, finds the same."""

import copy
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.dataset.audit import NovelFiles, audit, swept
from xuxie.dataset.ledger import CharacterAccount, account_for_characters

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
        account.enter(start, end, label)
        ranked.append(((rank,), start, end, label))
    assert sum(account.totals().values()) == LENGTH
    assert account.totals() == swept(LENGTH, ranked)


@st.composite
def novels(draw):
    """A novel's files and a dataset made of it, with the ledger that belongs to them."""
    cuts = sorted(draw(st.sets(st.integers(5, LENGTH - 5), min_size=1, max_size=8)))
    chunks = [
        {"id": f"c{i}", "start": start, "end": end}
        for i, (start, end) in enumerate(itertools.pairwise(cuts))
    ]
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
    pairs, unplaced, rows = [], [], {"train": [], "val": [], "test": []}
    for chunk in (chunk for chunk, fate in zip(chunks, fates, strict=True) if fate == "asked"):
        for number in range(draw(st.integers(1, 3))):
            one, other = sorted(draw(st.tuples(*[st.integers(chunk["start"], chunk["end"])] * 2)))
            because = draw(
                st.sampled_from([None, "score below threshold", "overlaps a better pair"])
            )
            pair = {
                "id": f"{chunk['id']}-p{number}", "chunk": chunk["id"], "length": "short", "prompt": "甲", "completion": "乙",
                "prompt_span": [one, one], "completion_span": [one, other], "kept": because is None, "dropped_because": because,
                "score": draw(st.none() | st.integers(0, 10)),
            }  # fmt: skip
            pairs.append(pair)
            split = draw(st.sampled_from(["train", "val", "test", "none"]))
            if pair["kept"] and split == "none":
                unplaced.append(
                    {"id": pair["id"], "novel": "n", "because": "too near a held-out chapter"}
                )
            elif pair["kept"]:
                rows[split].append(
                    {
                        "id": pair["id"],
                        "novel": "n",
                        "input": "甲",
                        "output": "乙",
                        "history": [],
                        "span": [one, other],
                    }
                )
    kept = [pair for pair in pairs if pair["kept"]]
    chapters = [{"start": cuts[0], "end": cuts[-1]}]
    files = NovelFiles(
        text="雨" * LENGTH,
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

    asked = len(pairs) + 2 * len(failures)
    part = {
        "source": {"decoded": LENGTH + 3, "added": 1, "removed": 4, "kept": LENGTH, "steps": {"spaces": {"added": 1, "removed": 4}}},
        "characters": account_for_characters(LENGTH, chunks=chunks, unasked=unasked, failures=failures, dropped=dropped, rows=rows),
        "pairs": {
            "chunks": {"all": len(chunks), "asked": len(chunks) - len(unasked), "not_asked": tally(row["because"] for row in unasked)},
            "asked": asked, "candidates": len(pairs), "kept": len(kept), "failed": {"refused": 2 * len(failures)} if failures else {},
            "dropped": tally(pair["dropped_because"] for pair in pairs if not pair["kept"]),
            "lengths": {"short": {"asked": asked, "candidates": len(pairs), "kept": len(kept)}},
        },
        "rows": {split: len(own) for split, own in rows.items()},
        "rows_dropped": tally(reasons.values()),
    }  # fmt: skip
    every = sum(map(len, rows.values()))
    return (
        {"rows": part["rows"], "turns": {"0": every} if every else {}, "novels": {"n": part}},
        rows,
        unplaced,
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
        else:
            yield (*path, key)


@given(novels(), st.data())
def test_the_audit_finds_any_figure_that_is_off_by_one(made, data):
    ledger, rows, unplaced, files = made
    changed = copy.deepcopy(ledger)
    *path, last = data.draw(st.sampled_from(list(figures(ledger))))
    node = changed
    for key in path:
        node = node[key]
    node[last] += data.draw(st.sampled_from([-1, 1]))
    assert audit(changed, rows, unplaced, files).differing, (path, last)


@pytest.mark.parametrize("what", ["rows", "unplaced", "pairs", "failures", "unasked", "chunks"])
@given(made=novels(), data=st.data())
def test_the_audit_finds_any_row_that_is_gone(what, made, data):
    ledger, rows, unplaced, files = copy.deepcopy(made)
    lists = {"rows": list(rows.values()), "unplaced": [unplaced]}.get(what) or [
        getattr(files["n"], what)
    ]
    full = [rows_of_one for rows_of_one in lists if rows_of_one]
    if full:
        chosen = data.draw(st.sampled_from(full))
        chosen.pop(data.draw(st.integers(0, len(chosen) - 1)))
        assert audit(ledger, rows, unplaced, files).differing
