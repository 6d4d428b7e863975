"""What the gate offers for markers that a tied model never met: both their tables are trained, kept apart from the base, and merged."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from training_run import rows_of
from transformers import AutoModelForCausalLM
from xuxie.export.merge import merge
from xuxie.models.loading import load_model
from xuxie.sampling.systems import Trained

STOP = 2


@torch.inference_mode()
def logits(model) -> torch.Tensor:
    return model(input_ids=torch.tensor([[5, 17, 300, 42]])).logits.float()


@pytest.fixture(scope="module", params=[["embed_tokens"], ["embed_tokens", "lm_head"]])
def trained(request, tiny_model, tmp_path_factory):
    """The targets, and an adapter after one step as LLaMA-Factory's `additional_target` sets it up."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    assert model.config.tie_word_embeddings
    settings = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=request.param)  # fmt: skip
    model = get_peft_model(model, settings)
    ids = torch.tensor([[5, 17, 300, STOP]])
    model(input_ids=ids, labels=ids).loss.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter -= parameter.grad
    folder = tmp_path_factory.mktemp("embeddings")
    model.save_pretrained(folder)
    (folder / "train.yaml").write_text("template: qwen\n")
    return request.param, Trained(tiny_model, folder, "qwen")


def test_only_with_both_does_what_writes_the_stop_token_move_and_the_base_stays(trained):
    targets, adapter = trained
    tuned, _ = load_model(adapter.model, adapter.adapter, dtype="float32")
    base, _ = load_model(adapter.model, dtype="float32")
    moved = torch.dist(
        base.get_output_embeddings().weight[STOP], tuned.get_output_embeddings().weight[STOP]
    )
    assert (moved > 0) == ("lm_head" in targets)
    with tuned.disable_adapter():
        assert torch.equal(logits(tuned), logits(base))
    assert not torch.allclose(logits(tuned), logits(base), atol=1e-3)


def test_merged_both_tables_are_saved(trained, tmp_path, novel_text):
    _, adapter = trained
    tuned, _ = load_model(adapter.model, adapter.adapter, dtype="float32")
    sampling = {"temperature": 0, "repetition_penalty": 1.0, "max_new_tokens": 9}
    merge(adapter, tmp_path / "merged", rows_of(novel_text, 2), system=None, sampling=sampling)
    merged, _ = load_model(tmp_path / "merged", dtype="float32")
    assert torch.allclose(logits(merged), logits(tuned), atol=1e-3)
