"""Votes of blind readers: read with suspicion, counted by the key."""

import json

import pytest
from xuxie.blind.votes import Votes, count_votes, krippendorff_alpha, preferences_of, read_votes
from xuxie.errors import UserError

KEY = {
    "page": "p1",
    "items": {
        f"i{number}": {
            "adapter": "demo", "sample": f"s{number}", "novel": "n", "chapter": number // 2,
            "systems": ["human", "base", "tuned"],
        }
        for number in range(8)
    },
}  # fmt: skip
HUMAN, BASE, TUNED = range(3)


def votes(best, author=None, reader="r1", page="p1", saved="2026-01-01T00:00:00Z") -> Votes:
    answers = [
        {"item": f"i{number}", "best": choice, "author": author}
        for number, choice in enumerate(best)
    ]
    return Votes.model_validate(
        {"page": page, "reader": reader, "saved": saved, "answers": answers}
    )


def pairing(result: dict, *systems: str) -> dict:
    return next(
        entry
        for entry in result["adapters"]["demo"]["pairings"]
        if entry["systems"] == list(systems)
    )


def test_wins_losses_and_ties_of_each_pair_of_systems():
    result = count_votes([votes([TUNED, TUNED, BASE, HUMAN, None, TUNED])], KEY, {})
    ours = pairing(result, "tuned", "base")
    assert (ours["wins"], ours["losses"], ours["ties"]) == (3, 1, 1)
    assert ours["win_rate"]["value"] == pytest.approx(3.5 / 5)
    against_author = pairing(result, "tuned", "human")
    assert (against_author["wins"], against_author["losses"]) == (3, 1)
    assert result["readers"] == 1 and result["answers"] == 6


def test_how_often_the_author_is_recognised():
    both = [votes([TUNED] * 3, author=HUMAN), votes([TUNED], author=BASE, reader="r2")]
    recognised = count_votes(both, KEY, {})["adapters"]["demo"]["recognised"]
    assert recognised["value"] == pytest.approx(3 / 4)
    assert recognised["chance"] == pytest.approx(1 / 3)
    assert recognised["guesses"] == 4


def test_votes_for_another_page_and_unknown_items_are_not_counted():
    stray = votes([TUNED] * 4, page="p2")
    unknown = votes([TUNED] * 20, reader="r3")
    result = count_votes([stray, unknown], KEY, {})
    assert result["elsewhere"] == 1
    assert result["answers"] == len(KEY["items"])


def test_agreement_of_readers_beyond_chance():
    same = [votes([TUNED, BASE, HUMAN], reader=name) for name in ("r1", "r2", "r3")]
    assert count_votes(same, KEY, {})["agreement"] == pytest.approx(1)
    apart = [votes([TUNED, BASE] * 4, reader="r1"), votes([BASE, TUNED] * 4, reader="r2")]
    assert count_votes(apart, KEY, {})["agreement"] < 0
    assert count_votes(same[:1], KEY, {})["agreement"] is None


def test_alpha_of_a_worked_example():
    """Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: nominal data, any number of observers."""
    table = [
        "aa", "bbb b".replace(" ", ""), "cccc", "ccd c".replace(" ", ""), "bbbb", "abcd",
        "dddd", "aaba", "bbb", "ee", "aa",
    ]  # fmt: skip
    units = [list(row) for row in table]
    pairs = sum(len(unit) for unit in units)
    observed = sum(
        sum(a != b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j)
        / (len(unit) - 1)
        for unit in units
    )
    everything = [value for unit in units for value in unit]
    expected = sum(
        a != b for i, a in enumerate(everything) for j, b in enumerate(everything) if i != j
    ) / (pairs - 1)
    assert krippendorff_alpha(units) == pytest.approx(1 - observed / expected)
    # The example's own table, in which three units carry a disagreement; published value for nominal data: 0.743.
    assert krippendorff_alpha(
        [list("111"), list("2232"), list("3333"), list("3333"), list("2222"), list("1234")]
        + [list("4444"), list("1121"), list("2222"), list("555"), list("11"), list("3")]
    ) == pytest.approx(0.743, abs=0.001)


def test_what_a_qualified_judge_says_of_the_same_pairs():
    judged = [
        {"id": "s0", "systems": ["tuned", "base"], "preferred": ["tuned", "tuned"]},
        {"id": "s1", "systems": ["tuned", "base"], "preferred": ["base", "base"]},
        {"id": "s2", "systems": ["tuned", "base"], "preferred": ["base", "tuned"]},
        {"id": "s3", "systems": ["tuned", "base"], "preferred": None},
    ]
    result = count_votes([votes([TUNED] * 4)], KEY, preferences_of("demo", judged))
    assert pairing(result, "tuned", "base")["judge_agrees"] == pytest.approx(1 / 2)
    assert pairing(result, "tuned", "base")["judged"] == 2


def test_the_last_file_of_a_reader_counts(tmp_path):
    for name, saved, best in (("a", "2026-01-02", [TUNED]), ("b", "2026-01-01", [BASE])):
        (tmp_path / f"{name}.json").write_text(votes(best, saved=saved).model_dump_json())
    (read,) = read_votes(sorted(tmp_path.glob("*.json")))
    assert read.answers[0].best == TUNED


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        '{"page": "p"}',
        json.dumps(
            {"page": "p1", "reader": "r", "saved": "", "answers": [{"item": "i", "best": 7}]}
        ),
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_none_of_ours_is_refused_by_name(tmp_path, content):
    path = tmp_path / "stray.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match="stray.json"):
        read_votes([path])
