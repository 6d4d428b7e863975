"""A sample depends on its prompt and seed alone, and is what a plain loop over a plain forward pass gives."""

import random
from collections import deque

import pytest
import torch
from transformers import (
    Gemma3Config,
    Gemma3ForCausalLM,
    Gemma3ForConditionalGeneration,
    Gemma3TextConfig,
    GptOssConfig,
    GptOssForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from xuxie.sampling.decoding import Request, decode
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.row_attention import RowWise
from xuxie.sampling.sampler import Sampler, row_generator

SIZES = dict(
    vocab_size=300,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
)
STOPS = {3, 4, 5, 6}
SAMPLER = Sampler(SamplingParameters(0.7, 0.9, 50, 0.0, 1.2, 0, ("stop",)), None, STOPS)


def qwen(dtype):
    return Qwen2ForCausalLM(Qwen2Config(**SIZES)).to(dtype)


def gemma(dtype):
    layers = ["sliding_attention", "full_attention", "sliding_attention"]
    return Gemma3ForCausalLM(
        Gemma3TextConfig(**SIZES, head_dim=8, sliding_window=6, layer_types=layers)
    ).to(dtype)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Products this small lose more by waiting for a second thread than they win."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def sharp(make, dtype):
    torch.manual_seed(0)
    made = make(dtype).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(6)  # a fresh model's logits are all alike, and would hide a wrong bit
    return made


@pytest.fixture(scope="module", params=[qwen, gemma])
def model(request):
    return sharp(request.param, torch.float32)


@pytest.fixture(scope="module", params=[qwen, gemma])
def half_model(request):
    return sharp(request.param, torch.bfloat16)


def prompts(count=14):
    draw = random.Random(0)
    return {
        f"p{i}": [draw.randrange(300) for _ in range(draw.randint(1, 30))] for i in range(count)
    }


def texts(model, order, batch_size, length=24):
    waiting = deque(Request((name,), prompts()[name], length) for name in order)
    found = decode(model, waiting, sampler=SAMPLER, seed=7, stop_ids=STOPS, batch_size=batch_size)
    return {
        request.key[0]: (continuation.ids, continuation.stop) for request, continuation in found
    }


@torch.inference_mode()
def plainly(model, name, length=24):
    """One prompt, one whole forward pass a token."""
    ids, new, generator = prompts()[name], [], row_generator(7, [name])
    while len(new) < length:
        token = SAMPLER.next_token(
            model(input_ids=torch.tensor([ids + new])).logits[0, -1], ids + new, generator
        )
        if token in STOPS:
            return new, "natural"
        new.append(token)
    return new, "length"


def check_order_and_batch_size(model):
    names = list(prompts())
    expected = texts(model, names, 8)
    assert {stop for _, stop in expected.values()} == {"natural", "length"}
    for batch_size in (1, 3, 14):
        shuffled = random.Random(batch_size).sample(names, len(names))
        assert texts(model, shuffled, batch_size) == expected
    assert texts(model, names[4:6], 8) == {name: expected[name] for name in names[4:6]}


def test_order_and_batch_size_change_no_sample(model):
    check_order_and_batch_size(model)


def test_nor_do_they_in_bfloat16(half_model):
    check_order_and_batch_size(half_model)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_has_the_same_bits_among_others_as_alone(dtype):
    model = sharp(qwen, dtype)

    def logits(names):
        reader = RowWise(model)
        return reader.step(
            [9] * len(names), [reader.read([prompts()[name]], 1)[0] for name in names]
        )

    names = list(prompts())
    together = logits(names)
    for place, name in enumerate(names[:5]):
        assert torch.equal(logits([name])[0], together[place])


def test_equals_a_plain_loop(model):
    names = list(prompts())[:5]
    assert texts(model, names, 4) == {name: plainly(model, name) for name in names}


def test_a_model_that_cannot_keep_rows_apart_runs_alone(model, monkeypatch, caplog):
    names = list(prompts())[:3]
    expected = texts(model, names, 8)
    monkeypatch.setattr(RowWise, "fits", lambda model: False)
    assert texts(model, names, 8) == expected
    assert "one prompt at a time" in caplog.text


def test_attention_that_does_more_is_noticed():
    torch.manual_seed(0)
    model = qwen(torch.float32).eval()
    assert RowWise.fits(model)
    model.config.attn_logit_softcapping = 20.0
    assert not RowWise.fits(model)
    assert model.config._attn_implementation == "sdpa"


def gemma_that_sees():
    """As Gemma 3 from 4 B on: what the text follows from is a part of its config."""
    text = {**SIZES, "head_dim": 16}
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 28, "patch_size": 14}  # fmt: skip
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    return Gemma3ForConditionalGeneration(config).eval()


def test_a_model_that_also_sees_is_tried_by_the_part_that_writes():
    torch.manual_seed(0)
    model = gemma_that_sees()
    assert RowWise.fits(model)
    model.config.text_config.attn_logit_softcapping = 20.0
    assert not RowWise.fits(model)


def test_a_next_turn_may_join_while_others_run():
    torch.manual_seed(0)
    model = qwen(torch.float32).eval()
    waiting = deque([Request(("a", 0), [1, 2], 3), Request(("b", 0), [7, 8, 9], 9)])
    ended = []
    for request, continuation in decode(
        model, waiting, sampler=SAMPLER, seed=0, stop_ids=set(), batch_size=2
    ):
        ended.append(request.key)
        assert len(continuation.ids) == request.max_new_tokens and continuation.seconds > 0
        if request.key == ("a", 0):
            waiting.append(Request(("a", 1), [1, 2, *continuation.ids], 2))
    assert ended == [("a", 0), ("a", 1), ("b", 0)]


def test_attention_sinks_are_refused():
    """A sink takes weight from the keys, and next to no direction from the logits: the trial alone would not notice."""
    torch.manual_seed(1)
    model = GptOssForCausalLM(
        GptOssConfig(
            vocab_size=99, hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=16, num_local_experts=2, num_experts_per_tok=1,
        )
    ).eval()  # fmt: skip
    assert not RowWise.fits(model)
