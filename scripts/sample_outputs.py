"""Rule sample_outputs: the base model, the adapter and their rivals continue the same held-out prompts."""

from pathlib import Path

import torch

from xuxie.job import run_job
from xuxie.rows import read_rows, write_rows
from xuxie.sampling.systems import choose_prompts, sample_systems


def sample_outputs(
    test: str,
    adapter: str,
    model: list[str],
    samples: str,
    *,
    sampling: dict,
    template: str,
    trust_remote_code: bool,
    threads: int,
) -> None:
    """Write one row a prompt: the prompt, the author's own continuation, and the output of every system.

    Args:
        adapter: the adapter's weights; its folder is loaded.
        model: the files of the base model's folder.
        sampling: `sampling` of the config.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    rows = choose_prompts(list(read_rows(test)), sampling["prompts"])
    outputs = sample_systems(
        rows,
        sampling,
        model_folder=Path(model[0]).parent,
        adapter_folder=Path(adapter).parent,
        template=template,
        trust_remote_code=trust_remote_code,
        journal_folder=Path(samples).with_suffix(".journal"),
    )
    write_rows(
        samples,
        (
            {
                **{key: row[key] for key in ("id", "novel", "chapter", "length")},
                "prompt": {key: row[key] for key in ("instruction", "input", "system", "history")},
                "reference": row["output"],
                "outputs": {system: texts[row["id"]] for system, texts in outputs.items()},
            }
            for row in rows
        ),
    )


if __name__ == "__main__":
    run_job(sample_outputs, snakemake)  # noqa: F821
