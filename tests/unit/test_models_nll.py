"""The one NLL routine against the plain definition, on random models of a few thousand parameters."""

import math
import random

import pytest
import torch
from random_models import MODELS, lora, plain_nll, qwen
from xuxie.models.nll import completion_nll, nll_after_context


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param]()


def items(count=12, seed=1):
    draw = random.Random(seed)
    return [
        (
            [draw.randrange(50) for _ in range(draw.randint(1, 20))],
            [draw.randrange(50) for _ in range(draw.randint(0, 15))],
        )
        for _ in range(count)
    ]


def totals(model, rows, **settings) -> list[float]:
    """The nats of each whole completion."""
    return [sum(nats) for nats in completion_nll(model, rows, **settings)]


def test_equals_the_definition(model):
    for batch_tokens in (1, 40, 4096):
        found = completion_nll(model, items(), batch_tokens=batch_tokens)
        for (context, completion), nats in zip(items(), found, strict=True):
            assert nats == pytest.approx(plain_nll(model, context, completion), abs=1e-4)


def test_order_changes_nothing(model):
    rows = items()
    order = list(range(len(rows)))
    random.Random(5).shuffle(order)
    forward = totals(model, rows, batch_tokens=60)
    shuffled = totals(model, [rows[i] for i in order], batch_tokens=60)
    assert [forward[i] for i in order] == pytest.approx(shuffled, abs=1e-5)


def test_a_cached_context_equals_the_definition(model):
    contexts = [context for context, _ in items(4, seed=2)] + [[7]]
    completions = [completion for _, completion in items(6, seed=3)]
    for batch_tokens in (1, 4096):
        for context in contexts:
            found = nll_after_context(model, context, completions, batch_tokens=batch_tokens)
            for nats, completion in zip(found, completions, strict=True):
                assert nats == pytest.approx(plain_nll(model, context, completion), abs=1e-4)


def test_a_model_that_knows_nothing_costs_the_logarithm_of_its_vocabulary():
    model = qwen()
    torch.nn.init.zeros_(model.get_output_embeddings().weight)
    assert totals(model, [([1], [2, 3, 4])]) == pytest.approx([3 * math.log(50)])


def test_an_adapter_switched_off_is_the_base():
    tuned, base, rows = lora(), qwen(), items()
    with tuned.disable_adapter():
        assert totals(tuned, rows) == pytest.approx(totals(base, rows), abs=1e-5)
    assert totals(tuned, rows) != pytest.approx(totals(base, rows), abs=1e-3)


def test_the_head_is_left_as_it_was(model):
    completion_nll(model, items())
    assert model(input_ids=torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 50)


def test_long_completions_are_split_over_forward_passes(monkeypatch):
    model, rows = qwen(), items()
    whole = totals(model, rows)
    monkeypatch.setattr("xuxie.models.nll.POSITIONS_AT_ONCE", 5)
    assert totals(model, rows) == pytest.approx(whole, abs=1e-5)


def test_refuses_what_has_no_probability():
    with pytest.raises(ValueError, match="at least one token"):
        completion_nll(qwen(), [([], [1, 2])])
    with pytest.raises(ValueError, match="at least one token"):
        nll_after_context(qwen(), [], [[1]])
