"""Merge an adapter into its base model."""

from pathlib import Path

from xuxie.export.merge import copy_adapter, merge
from xuxie.files.rows import read_json, read_rows
from xuxie.runtime.job import run_job
from xuxie.sampling.spread import evenly_spread
from xuxie.sampling.systems import Trained

TRIED_ROWS = 16


def merge_adapter(
    adapter: str,
    adapter_config: str,
    model: list[str],
    test: str,
    merged: str,
    adapter_copy: str,
    *,
    template: str,
    trust_remote_code: bool,
    system: str | None,
    sampling: dict,
) -> None:
    """Write the merged Hugging Face folder, and the adapter alone beside it.

    Args:
        adapter, adapter_config: the trained adapter.
        model: the base model's config.json and its record.
        test: held-out rows, which the chat template is tried on.
        merged: the merged folder's config.json.
        adapter_copy: the exported adapter's weights.
        template: the template that the adapter is asked with.
        system: `sampling.system` of the config.
        sampling: see `merge`.
    """
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    rows = evenly_spread(list(read_rows(test)), TRIED_ROWS)
    merge(trained, Path(merged).parent, rows, system=system, sampling=sampling)
    copy_adapter(adapter, adapter_config, Path(adapter_copy).parent, read_json(model[1]))


if __name__ == "__main__":
    run_job(merge_adapter, snakemake)
