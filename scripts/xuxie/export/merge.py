"""The adapter put into the weights of its base model, and a folder that plain transformers asks as it was trained."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from xuxie.errors import UserError
from xuxie.export.chat_template import chat_template
from xuxie.files.rows import read_json, write_json
from xuxie.models.loading import load_model, load_tokenizer
from xuxie.sampling.systems import Trained

UNSPLIT = "1000GB"


def merge(
    trained: Trained, folder: Path, rows: Sequence[dict], *, system: str | None, sampling: dict
) -> None:
    """Write the merged model: weights in the base's own precision, the tokenizer, and how to ask and when to stop.

    It is merged in main memory: whole weights of a model that was trained quantised may not fit into the GPU.

    Args:
        trained: the adapter on its base.
        folder: where it goes.
        rows: Alpaca rows that the chat template is tried on.
        system: a system prompt in place of the rows' own.
        sampling: the values of `sampling` of the config that are the defaults of `generate` from now on.

    Raises:
        UserError: the merged weights are not numbers, or the tokenizer did not survive.
    """
    config = read_json(trained.model / "config.json")
    dtype = config.get("dtype") or config.get("torch_dtype") or "float32"
    model, tokenizer = load_model(
        trained.model,
        trained.adapter,
        dtype=dtype,
        device="cpu",
        trust_remote_code=trained.trust_remote_code,
    )
    prompting = trained.prompting(tokenizer)
    template = chat_template(prompting, rows, system)
    try:
        merged = model.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise UserError(
            f"the merged weights are broken: {error}",
            where=str(trained.adapter),
            remedy="train again with a lower learning rate",
        ) from error
    if merged.get_input_embeddings().weight is not merged.get_output_embeddings().weight:
        # Both were trained. If they were declared tied, only one would be saved.
        merged.config.tie_word_embeddings = False
    stops = sorted(prompting.stop_ids)
    merged.config.name_or_path = ""
    merged.config.eos_token_id = stops[0] if len(stops) == 1 else stops
    settings = merged.generation_config
    settings.eos_token_id, settings.pad_token_id = stops, prompting.tokenizer.pad_token_id
    settings.do_sample, settings.max_new_tokens = (
        sampling["temperature"] > 0,
        sampling["max_new_tokens"],
    )
    for name in ("temperature", "top_p", "top_k", "min_p"):
        setattr(settings, name, sampling[name] if settings.do_sample else None)
    settings.repetition_penalty = sampling["repetition_penalty"]
    merged.save_pretrained(folder, max_shard_size=UNSPLIT)
    if trained.trust_remote_code:
        for file in trained.model.glob("*.py"):
            shutil.copyfile(file, folder / file.name)
    prompting.tokenizer.chat_template = template
    prompting.tokenizer.save_pretrained(folder)
    check_saved_tokenizer(tokenizer, folder, rows, trust_remote_code=trained.trust_remote_code)


def check_saved_tokenizer(
    base, folder: Path, rows: Sequence[dict], *, trust_remote_code: bool = False
) -> None:
    """Check that the saved tokenizer reads as the base model's does.

    Raises:
        UserError: it does not.
    """
    saved = load_tokenizer(folder, trust_remote_code=trust_remote_code)
    texts = [row["input"] + row["output"] for row in rows]
    if saved.get_vocab() != base.get_vocab() or any(
        saved.encode(text) != base.encode(text) for text in texts
    ):
        raise UserError(
            "the tokenizer of the merged model reads otherwise than the base model's",
            where=str(folder),
            remedy="report it: this is a fault",
        )


def copy_adapter(weights: str, config: str, folder: Path, base_model: dict) -> None:
    """Copy the adapter, its config naming the base model as others will find it.

    Args:
        weights, config: the trained adapter's files.
        folder: where to.
        base_model: the base's record, model.json.
    """
    shutil.copyfile(weights, folder / "adapter_model.safetensors")
    settings = read_json(config)
    # A path on this machine would help nobody; without a repository the name says at least which model it was.
    named = {
        "base_model_name_or_path": base_model.get("repository") or base_model["title"],
        "revision": base_model.get("revision"),
    }
    write_json(folder / "adapter_config.json", {**settings, **named})
