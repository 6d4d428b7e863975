"""The loss in chunks is the model's own loss, with its gradients, wherever it is used."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    Qwen2Config,
    Qwen2ForCausalLM,
)
from xuxie.training.chunked_loss import IGNORED, chunk_loss

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}


def qwen():
    return Qwen2ForCausalLM(Qwen2Config(**SIZES, tie_word_embeddings=False))


def tied_gemma():
    return Gemma3ForCausalLM(Gemma3TextConfig(**SIZES, head_dim=8))


def tied_qwen():
    return Qwen2ForCausalLM(Qwen2Config(**SIZES, tie_word_embeddings=True))


def with_lora(make, chunked: bool, *, also: tuple[str, ...] = (), in_full: tuple[str, ...] = ()):
    """A model with a LoRA on some modules, on others too, and yet others trained in full beside it."""
    torch.manual_seed(0)
    model = make()
    if chunked:
        assert chunk_loss(model)
    torch.manual_seed(1)
    lora = LoraConfig(
        r=4,
        target_modules=["q_proj", "down_proj", *also],
        modules_to_save=list(in_full) or None,
        init_lora_weights=False,
    )
    return get_peft_model(model, lora).train()


def batch():
    ids = torch.randint(0, 300, (3, 200), generator=torch.Generator().manual_seed(2))
    labels = ids.clone()
    labels[:, :70] = IGNORED
    labels[1, 150:] = IGNORED
    return {"input_ids": ids, "labels": labels}


def loss_and_gradients(model, items=None):
    loss = model(**batch(), **({} if items is None else {"num_items_in_batch": items})).loss
    loss.backward()
    trained = {name: part for name, part in model.named_parameters() if part.requires_grad}
    return loss.detach(), {name: part.grad for name, part in trained.items()}


def assert_alike(chunked, plain, items=None) -> dict:
    """Both models have the same loss and the same gradients; returns these."""
    (loss, gradients), (wanted, expected) = (
        loss_and_gradients(model, items) for model in (chunked, plain)
    )
    assert torch.allclose(loss, wanted, rtol=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert gradient is not None, name
        assert expected[name].abs().max() > 0, name
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-7), name
    return gradients


@pytest.mark.parametrize("make", [qwen, tied_gemma])
@pytest.mark.parametrize("items", [None, 777])
def test_loss_and_gradients_are_those_of_the_model(make, items):
    assert_alike(with_lora(make, True), with_lora(make, False), items)


@pytest.mark.parametrize("make", [qwen, tied_qwen, tied_gemma])
@pytest.mark.parametrize(
    "trained",
    [
        {"in_full": ("lm_head",)},
        {"in_full": ("embed_tokens", "lm_head")},
        {"in_full": ("embed_tokens",)},
        {"also": ("lm_head",)},
    ],
    ids=["head", "both tables", "what reads", "LoRA on the head"],
)
def test_a_head_that_peft_trains_gets_the_gradient_of_the_plain_loss(make, trained):
    """PEFT puts a copy, or a LoRA, in the head's place, long after the model has its loss in chunks."""
    gradients = assert_alike(with_lora(make, True, **trained), with_lora(make, False, **trained))
    of_head = [name for name in gradients if "lm_head" in name]
    assert bool(of_head) is (trained != {"in_full": ("embed_tokens",)})


def test_no_logits_of_the_whole_row_are_made():
    model = with_lora(qwen, chunked=True)
    assert model(**batch()).logits.shape[-1] == SIZES["hidden_size"]


def test_asked_without_labels_or_in_evaluation_it_answers_as_ever():
    plain, chunked = with_lora(qwen, False), with_lora(qwen, True)
    ids = batch()["input_ids"]
    assert torch.equal(chunked(input_ids=ids).logits, plain(input_ids=ids).logits)
    assert torch.equal(chunked.eval()(**batch()).logits, plain.eval()(**batch()).logits)


def test_a_model_that_caps_its_logits_keeps_its_own_loss():
    model = Gemma2ForCausalLM(
        Gemma2Config(**SIZES, head_dim=8, final_logit_softcapping=0.01, query_pre_attn_scalar=8)
    )
    assert not chunk_loss(model)
    ids = batch()["input_ids"]
    assert model.train()(input_ids=ids, labels=ids).logits.shape[-1] == SIZES["vocab_size"]


def test_a_head_that_is_trained_gets_its_gradient():
    torch.manual_seed(0)
    model = qwen()
    assert chunk_loss(model)
    model.train()(**batch()).loss.backward()
    assert model.lm_head.weight.grad.abs().max() > 0
