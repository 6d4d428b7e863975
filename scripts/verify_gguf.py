"""Compare a GGUF with the merged folder that it was made from."""

from pathlib import Path

import torch
from xuxie.export.parity import Source, verify
from xuxie.files.rows import read_rows, write_json
from xuxie.models.loading import load_model
from xuxie.runtime.job import run_job
from xuxie.sampling.spread import evenly_spread
from xuxie.sampling.systems import Trained


def verify_gguf(
    gguf: str,
    merged: str,
    trained_with: str,
    test: str,
    parity: str,
    threads: int,
    *,
    quantisation: str,
    prompts: int,
    template: str,
    trust_remote_code: bool,
    system: str | None,
) -> None:
    """Serve the GGUF and compare vocabulary, chat template, stops and the likeliest tokens after held-out prompts.

    Args:
        merged: the merged folder's config.json.
        trained_with: the adapter's train.yaml.
        test: held-out rows.
        parity: what was found.
        prompts: after how many prompts tokens are compared.

    Raises:
        UserError: the file reads, asks or stops differently, or one of full precision writes other tokens.
    """
    torch.set_num_threads(threads)
    folder = Path(merged).parent
    rows = evenly_spread(list(read_rows(test)), prompts)
    # In float32, so that a difference is the file's and not the rounding of this side.
    model, tokenizer = load_model(folder, dtype="float32", trust_remote_code=trust_remote_code)
    prompting = Trained(folder, Path(trained_with).parent, template).prompting(tokenizer)
    asked = [prompting.prompt_ids(row, system=system) for row in rows]
    source = Source(model, tokenizer, rows, asked, prompting.stop_ids, system)
    write_json(parity, verify(Path(gguf), quantisation, source, threads=threads))


if __name__ == "__main__":
    run_job(verify_gguf, snakemake)
