"""Use a base model that is on this machine already."""

from pathlib import Path

from xuxie.models.record import write_record
from xuxie.models.sources import from_path, point_to
from xuxie.runtime.job import run_job


def link_model(config: str, record: str, name: str, template: str, trust_remote_code: bool) -> None:
    """Point to a Hugging Face folder, and record the hash of each file.

    Args:
        config: the new folder's config.json; the other files go beside it.
        record: the record, model.json.
        name: the folder to point to.
        template: the LLaMA-Factory template that the model is addressed in.
        trust_remote_code: whether the folder's Python files come along.
    """
    source, facts = from_path(name)
    folder = Path(config).parent
    point_to(source, folder, own_code=trust_remote_code)
    write_record(
        record,
        folder,
        title=source.name,
        source="path",
        **facts,
        template=template,
        trust_remote_code=trust_remote_code,
    )


if __name__ == "__main__":
    run_job(link_model, snakemake)
