"""Turn the weights of a GGUF back into a Hugging Face folder, so that they can be trained."""

from pathlib import Path

import torch
from gguf import GGUFReader

from xuxie.models.tokenizer import tokenizer_from_gguf

SAME_ROW = 0.98
"""The least cosine between two rows that differ only in their quantisation (Q5_0 against Q8_0: 0.998 is usual)."""


def dequantise(gguf: str | Path, folder: str | Path) -> None:
    """Write config, bfloat16 weights, generation settings and a checked tokenizer.

    Quantised weights have lost bits that cannot come back: this is the model that the GGUF runs, not the
    one that it was made from.

    Raises:
        UserError: the tokenizer inside the file cannot be rebuilt faithfully.
    """
    from transformers import AutoModelForCausalLM

    tokenizer = tokenizer_from_gguf(GGUFReader(gguf))
    path = Path(gguf).resolve()
    model = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.bfloat16
    )
    _tie(model)
    model.config.name_or_path = ""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _tie(model) -> None:
    """Give a model one table for input and output again, if the file holds the same one twice.

    llama.cpp stores a shared table once for each end, the output one in finer steps; the finer one is kept.
    """
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    if table.weight.data_ptr() == head.weight.data_ptr() or table.weight.shape != head.weight.shape:
        return
    with torch.no_grad():
        norms = head.weight.norm(dim=1)
        alike = torch.nn.functional.cosine_similarity(table.weight, head.weight)
        if (alike[norms > norms.median() / 10] > SAME_ROW).all():
            table.weight = head.weight
            model.config.tie_word_embeddings = True
