"""Random models of a few thousand parameters, and the plain definition of what is measured with them."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, Qwen2Config, Qwen2ForCausalLM

SIZES = dict(
    vocab_size=50,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
)


def qwen():
    torch.manual_seed(0)
    return Qwen2ForCausalLM(Qwen2Config(**SIZES)).eval()


def gemma():
    torch.manual_seed(0)
    # A window shorter than the contexts: the cache of a sliding layer forgets, as that of a real Gemma does.
    config = Gemma3TextConfig(
        **SIZES,
        head_dim=8,
        sliding_window=6,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
    )
    config.final_logit_softcapping = 0.5
    return Gemma3ForCausalLM(config).eval()


def lora():
    tuned = get_peft_model(
        qwen(), LoraConfig(target_modules=["q_proj", "up_proj"], r=4, init_lora_weights=False)
    )
    return tuned.eval()


MODELS = {"qwen": qwen, "gemma": gemma, "lora": lora}


@torch.no_grad()
def plain_nll(model, context, completion):
    """The definition: one text at a time, every logit."""
    if not completion:
        return []
    ids = torch.tensor([context + completion])
    log_probabilities = model(input_ids=ids).logits[0].log_softmax(-1)
    return [
        -log_probabilities[len(context) - 1 + i, token].item() for i, token in enumerate(completion)
    ]
