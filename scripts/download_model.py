"""Take a base model from a hub."""

from pathlib import Path

from xuxie.models.record import write_record
from xuxie.models.sources import SOURCES, point_to
from xuxie.runtime.job import run_job


def download_model(
    config: str,
    record: str,
    source: str,
    name: str,
    revision: str | None,
    template: str,
    trust_remote_code: bool,
) -> None:
    """Download a model once per machine, point to it, and record the hash of each file.

    Args:
        config: the folder's config.json; the other files go beside it.
        record: the record, model.json.
        source: `hub` or `modelscope`.
        name: the repository.
        revision: branch, tag or commit.
        template: the LLaMA-Factory template that the model is addressed in.
        trust_remote_code: whether the repository's Python files come along.
    """
    downloaded, facts = SOURCES[source](name, revision)
    folder = Path(config).parent
    point_to(downloaded, folder, own_code=trust_remote_code)
    write_record(
        record,
        folder,
        title=name,
        source=source,
        **facts,
        template=template,
        trust_remote_code=trust_remote_code,
    )


if __name__ == "__main__":
    run_job(download_model, snakemake)
