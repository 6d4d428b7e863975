"""Shared reading against the plain routine, and that nothing is read twice."""

import random

import pytest
from random_models import MODELS, plain_nll, qwen
from xuxie.models import shared_prefixes
from xuxie.models.nll import completion_nll
from xuxie.models.shared_prefixes import shared_prefix_nll


def chapter(seed, length=40):
    draw = random.Random(seed)
    return [draw.randrange(50) for _ in range(length)]


def ladder():
    """Rows of two chapters after all that stands before them, after the other chapter, and after little; and one long stretch."""
    one, two = chapter(1), chapter(2)
    items = []
    for own, other in ((one, two), (two, one)):
        for at in (10, 20, 30):
            items += [(own[:at], own[at : at + 10]), (other[:at], own[at : at + 10])]
            items.append((own[at - 3 : at], own[at : at + 10]))
        items.append((own[:10], own[10:]))
    return [*items, (one[:10], []), (one[:12], one[12:15])]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("positions", [4, 512])
def test_equals_the_definition(name, positions, monkeypatch):
    monkeypatch.setattr(shared_prefixes, "_POSITIONS", positions)
    model, items = MODELS[name](), ladder()
    random.Random(0).shuffle(items)
    for (context, completion), nats in zip(items, shared_prefix_nll(model, items), strict=True):
        assert nats == pytest.approx(plain_nll(model, context, completion), abs=1e-4)


def test_a_chapter_costs_about_its_own_length():
    model, text = qwen(), chapter(3, 400)
    read = []
    hook = model.model.register_forward_pre_hook(
        lambda module, arguments, given: read.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    rows = [(text[:at], text[at : at + 20]) for at in range(20, 400, 20)]
    shared_prefix_nll(model, [*rows, (text[:20], text[20:])])
    hook.remove()
    # One token again for each row: the logits that foretell its first.
    assert sum(read) == 400 + len(rows) - 1


def test_a_model_with_its_own_code_is_read_plainly(monkeypatch):
    model, items = qwen(), ladder()
    expected = completion_nll(model, items)
    monkeypatch.setattr(type(model), "__module__", "transformers_modules.own.modeling")
    monkeypatch.setattr(shared_prefixes, "_Path", None)
    assert shared_prefix_nll(model, items) == expected


def test_refuses_what_has_no_probability():
    with pytest.raises(ValueError, match="at least one token"):
        shared_prefix_nll(qwen(), [([], [1])])
