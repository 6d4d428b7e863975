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


def with_lora(make, chunked: bool):
    torch.manual_seed(0)
    model = make()
    if chunked:
        assert chunk_loss(model)
    torch.manual_seed(1)
    tuned = get_peft_model(
        model, LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    )
    return tuned.train()


def batch():
    ids = torch.randint(0, 300, (3, 200), generator=torch.Generator().manual_seed(2))
    labels = ids.clone()
    labels[:, :70] = IGNORED
    labels[1, 150:] = IGNORED
    return {"input_ids": ids, "labels": labels}


@pytest.mark.parametrize("make", [qwen, tied_gemma])
@pytest.mark.parametrize("items", [None, 777])
def test_loss_and_gradients_are_those_of_the_model(make, items):
    found = []
    for chunked in (False, True):
        model = with_lora(make, chunked)
        loss = model(**batch(), **({} if items is None else {"num_items_in_batch": items})).loss
        loss.backward()
        gradients = [part.grad for part in model.parameters() if part.requires_grad]
        found.append((loss.detach(), gradients))
    (plain, expected), (loss, gradients) = found
    assert torch.allclose(loss, plain, rtol=1e-5)
    assert any(gradient.abs().max() > 0 for gradient in expected)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-7)


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
