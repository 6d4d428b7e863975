"""Drawing against the processors of transformers, and on logits whose outcome is plain."""

from collections import Counter

import pytest
import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from xuxie.sampling.parameters import Drawing, row_generator

NOTHING_SEEN = torch.zeros(6, dtype=torch.bool)


def draws(drawing, logits, seen=NOTHING_SEEN, count=4000):
    generator = row_generator(0, ["draws"])
    return Counter(drawing.next_token(logits, seen, generator) for _ in range(count))


@pytest.mark.parametrize(
    "top_k, top_p, penalty", [(0, 1, 1), (3, 1, 1), (0, 0.7, 1), (4, 0.9, 1.2), (50, 0.5, 3)]
)
def test_draws_what_generate_of_transformers_draws(top_k, top_p, penalty):
    logits = torch.tensor([1.0, 0.5, 0.2, -0.4, -1.0, 2.0])
    seen = torch.tensor([False, True, False, True, False, False])
    processors = LogitsProcessorList(
        [RepetitionPenaltyLogitsProcessor(float(penalty)), TemperatureLogitsWarper(0.7)]
    )
    if top_k:
        processors.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        processors.append(TopPLogitsWarper(top_p))
    expected = processors(seen.nonzero().T, logits.clone().unsqueeze(0))[0].softmax(-1)
    got = draws(Drawing(0.7, top_p, top_k, penalty), logits, seen)
    for token, probability in enumerate(expected.tolist()):
        if probability == 0:
            assert got[token] == 0
        assert got[token] / 4000 == pytest.approx(probability, abs=0.03)


def test_temperature_zero_takes_the_likeliest_after_the_penalty():
    logits = torch.tensor([1.0, 0.9, 0.0, 0.0, 0.0, 0.0])
    assert set(draws(Drawing(temperature=0, repetition_penalty=1), logits, count=5)) == {0}
    seen = torch.tensor([True, False, False, False, False, False])
    assert set(draws(Drawing(temperature=0, repetition_penalty=1.2), logits, seen, count=5)) == {1}


def test_the_first_token_always_stays():
    logits = torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, 0.1])
    assert set(draws(Drawing(top_p=0.0001, top_k=0), logits, count=50)) == {5}


def test_the_logits_are_left_as_they_were():
    logits = torch.tensor([1.0, 2.0, 3.0, 0.0, 0.0, 0.0])
    draws(Drawing(), logits, torch.ones(6, dtype=torch.bool), count=3)
    assert logits.tolist() == [1.0, 2.0, 3.0, 0.0, 0.0, 0.0]


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
