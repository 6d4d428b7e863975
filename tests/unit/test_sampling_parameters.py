"""Sampling parameters against the processors of transformers, and on logits whose outcome is plain."""

from collections import Counter

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from xuxie.sampling.parameters import PUNCTUATION, STOP, SamplingParameters
from xuxie.sampling.sampler import Sampler, row_generator

LOGITS = torch.tensor([1.0, 0.5, 0.2, -0.4, -1.0, 2.0])


class Letters:
    """A tokenizer whose tokens are single characters."""

    def __init__(self, characters: str = "雨夜门，。！"):
        self._characters = characters

    def __len__(self):
        return len(self._characters)

    def batch_decode(self, rows):
        return ["".join(self._characters[token] for token in row) for row in rows]


def sampler(stop_ids=(), **parameters) -> Sampler:
    return Sampler(SamplingParameters(**parameters), Letters(), stop_ids)


def draws(drawn_by: Sampler, logits, context=(), count=4000) -> Counter:
    generator = row_generator(0, ["draws"])
    return Counter(drawn_by.next_token(logits, list(context), generator) for _ in range(count))


@pytest.mark.parametrize(
    "top_k, top_p, min_p, penalty",
    [(0, 1, 0, 1), (3, 1, 0, 1), (0, 0.7, 0, 1), (4, 0.9, 0, 1.2), (50, 0.5, 0, 3), (0, 1, 0.2, 1)],
)
def test_draws_what_generate_of_transformers_draws(top_k, top_p, min_p, penalty):
    processors = LogitsProcessorList(
        [RepetitionPenaltyLogitsProcessor(float(penalty)), TemperatureLogitsWarper(0.7)]
    )
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        processors.append(TopPLogitsWarper(top_p))
    if min_p:
        processors.append(MinPLogitsWarper(min_p))
    context = [1, 3]
    expected = processors(torch.tensor([context]), LOGITS.clone().unsqueeze(0))[0].softmax(-1)
    drawn_by = sampler(
        temperature=0.7, top_p=top_p, top_k=top_k, min_p=min_p, repetition_penalty=penalty
    )
    got = draws(drawn_by, LOGITS, context)
    for token, probability in enumerate(expected.tolist()):
        if probability == 0:
            assert got[token] == 0
        assert got[token] / 4000 == pytest.approx(probability, abs=0.03)


@pytest.mark.parametrize("settings", [{"top_p": 0.9}, {"top_p": 0.999}, {"top_p": 1, "min_p": 0.2}])
def test_of_a_large_vocabulary_the_same_is_drawn_whether_or_not_all_of_it_is_sorted(
    settings, monkeypatch
):
    logits = 3 * torch.randn(3000, generator=torch.Generator().manual_seed(0))
    drawn_by = sampler(top_k=0, repetition_penalty=1, **settings)
    monkeypatch.setattr("xuxie.sampling.sampler._FEW", (100, 1000))
    few = draws(drawn_by, logits, count=300)
    monkeypatch.setattr("xuxie.sampling.sampler._FEW", ())
    assert few == draws(drawn_by, logits, count=300)


def test_temperature_zero_takes_the_likeliest_after_the_penalty():
    logits = torch.tensor([1.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    assert set(draws(sampler(temperature=0, repetition_penalty=1), logits, [0], count=5)) == {0}
    assert set(draws(sampler(temperature=0, repetition_penalty=1.2), logits, [0], count=5)) == {1}


def test_the_first_token_always_stays():
    logits = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.1])
    assert set(draws(sampler(top_p=0.0001, top_k=0), logits, count=50)) == {5}
    assert set(draws(sampler(min_p=1.0, top_p=1, top_k=0), logits, count=50)) == {5}


def test_the_logits_are_left_as_they_were():
    logits = LOGITS.clone()
    draws(sampler(dry_multiplier=1, dry_allowed_length=1), logits, [0, 1, 2, 0, 1], count=3)
    assert logits.tolist() == LOGITS.tolist()


@pytest.mark.parametrize(
    "settings, penalised",
    [
        ({}, {0, 3, 5}),
        ({"penalty_window": 2}, {3, 5}),
        ({"penalty_exempt": (STOP,)}, {0, 3}),
        ({"penalty_exempt": (STOP, PUNCTUATION)}, {0}),
    ],
)
def test_which_tokens_the_penalty_touches(settings, penalised):
    drawn_by = sampler(stop_ids=[5], repetition_penalty=2, **{"penalty_exempt": ()} | settings)
    after = drawn_by.penalised(LOGITS, [0, 3, 5])
    assert {token for token in range(6) if after[token] != LOGITS[token]} == penalised


def test_dry_grows_with_the_length_of_the_run_that_would_go_on():
    settings = {"repetition_penalty": 1, "dry_multiplier": 0.8, "dry_base": 2.0}
    drawn_by = sampler(dry_allowed_length=2, **settings)
    # 雨夜 came before, followed by 门: one more repeated token lowers it, longer runs by more.
    assert (LOGITS - drawn_by.penalised(LOGITS, [0, 1, 2, 4, 0, 1])).tolist() == pytest.approx(
        [0, 0, 0.8, 0, 0, 0]
    )
    longer = LOGITS - drawn_by.penalised(LOGITS, [2, 0, 1, 2, 4, 2, 0, 1])
    assert longer.tolist() == pytest.approx([0, 0, 1.6, 0, 0, 0])
    assert torch.equal(LOGITS, drawn_by.penalised(LOGITS, [1, 2, 4, 0, 1]))


def test_dry_stops_at_what_is_exempt_and_never_overflows():
    settings = {"repetition_penalty": 1, "dry_multiplier": 0.8, "dry_allowed_length": 2}
    exempt = sampler(penalty_exempt=(PUNCTUATION,), **settings)
    assert torch.equal(LOGITS, exempt.penalised(LOGITS, [0, 3, 1, 2, 0, 3, 1]))
    assert torch.equal(LOGITS, exempt.penalised(LOGITS, [0, 1, 3, 2, 0, 1]))
    loop = sampler(**settings).penalised(LOGITS, [0, 1] * 2000)
    assert loop.isfinite().all() and loop[0] < LOGITS[0]


def test_a_row_s_chance_is_its_own():
    first = torch.rand(4, generator=row_generator(1, ["a", 0])).tolist()
    assert first == torch.rand(4, generator=row_generator(1, ["a", 0])).tolist()
    others = [
        row_generator(2, ["a", 0]),
        row_generator(1, ["b", 0]),
        row_generator(1, ["a", 1]),
        row_generator(1, ["a0"]),
    ]
    assert all(torch.rand(4, generator=other).tolist() != first for other in others)
