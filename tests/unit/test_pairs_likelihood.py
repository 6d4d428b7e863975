"""The likelihood scorer: which negatives it reads, and what it makes of them."""

from collections import Counter

import numpy as np
import pytest
from score_by_likelihood import score_by_likelihood
from xuxie.errors import UserError
from xuxie.files.rows import write_rows
from xuxie.pairs.calibration import auc
from xuxie.pairs.likelihood import _values, negative_pairings


def pairs(chapters: int, each: int) -> list[dict]:
    return [
        {"id": f"p{chapter}.{index}", "chapter": chapter, "chunk": f"c{chapter}.{index}"}
        for chapter in range(chapters)
        for index in range(each)
    ]


def bits(rows: list[dict], *, held: float, noise: float = 1.0, seed: int = 0) -> tuple[list, list]:
    """Values of pairs whose own prompt saves `held` bits: (of true pairs, of negatives)."""
    source = np.random.default_rng(seed)
    hard, cold = source.normal(300, 80, len(rows)), source.normal(0, 15, len(rows))
    negatives = negative_pairings(rows, 8, seed)
    own = hard + cold - held + source.normal(0, noise, len(rows))
    surprise = np.array(
        [
            hard[completion] + cold[prompt] + source.normal(0, noise)
            for completion, prompt in negatives
        ]
    )
    scored = _values(rows, negatives, own, surprise)
    return [row["value"] for row in scored], [value for row in scored for value in row["swapped"]]


def test_every_completion_meets_as_many_prompts_of_other_chapters_as_asked_and_every_prompt_as_many_completions():
    rows = pairs(chapters=12, each=2)
    found = negative_pairings(rows, 6, seed=1)
    assert len(set(found)) == len(found) == 6 * len(rows)
    assert all(
        rows[completion]["chapter"] != rows[prompt]["chapter"] for completion, prompt in found
    )
    assert set(Counter(completion for completion, _ in found).values()) == {6}
    lent = Counter(prompt for _, prompt in found)
    assert len(lent) == len(rows) and max(lent.values()) <= 8
    assert found != negative_pairings(rows, 6, seed=2)


def test_few_pairs_give_what_they_have():
    assert negative_pairings(pairs(1, 1), 4, seed=0) == []
    assert Counter(completion for completion, _ in negative_pairings(pairs(2, 2), 4, seed=0)) == {
        0: 2,
        1: 2,
        2: 2,
        3: 2,
    }
    in_one_chapter = pairs(1, 3)
    assert {
        (completion, prompt) for completion, prompt in negative_pairings(in_one_chapter, 2, seed=0)
    } == {(a, b) for a in range(3) for b in range(3) if a != b}


def test_the_value_is_what_the_own_prompt_saves_whatever_completions_and_prompts_are_like():
    true, negatives = bits(pairs(15, 2), held=20)
    assert np.mean(true) == pytest.approx(20, abs=6) and np.mean(negatives) == pytest.approx(
        0, abs=6
    )
    assert auc(true, negatives) > 0.9


def test_pairs_that_hold_together_by_chance_only_are_not_told_from_negatives():
    areas = [auc(*bits(pairs(15, 2), held=0, seed=seed)) for seed in range(20)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.06)


def test_a_pair_without_another_prompt_is_not_scored():
    assert _values(pairs(1, 1), [], np.array([5.0]), np.array([])) == [
        {"id": "p0.0", "value": None, "swapped": []}
    ]


def test_a_shard_of_a_single_chunk_is_refused_before_a_model_is_loaded(tmp_path):
    candidates = tmp_path / "2-of-30/candidates.jsonl"
    candidates.parent.mkdir()
    rows = [
        {**row, "chunk": "c", "prompt": "他来了。", "completion": "她走了。"} for row in pairs(1, 2)
    ]
    write_rows(candidates, rows)
    with pytest.raises(UserError, match="pairs.shard_bytes") as caught:
        score_by_likelihood(
            str(candidates), [], "", scorer={"contexts": 4}, trust_remote_code=False, seed=0, threads=1
        )  # fmt: skip
    assert "2-of-30" in str(caught.value)
