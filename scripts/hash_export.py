"""Write the SHA-256 of every file of an export."""

from pathlib import Path

from xuxie.files.hashing import sha256_of
from xuxie.runtime.job import run_job


def hash_export(card: str, sums: str) -> None:
    """Write a list that `sha256sum --check` reads.

    Args:
        card: the export's README.md, in whose folder everything lies.
        sums: the list.
    """
    folder = Path(card).parent
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file != Path(sums))
    Path(sums).write_text(
        "".join(f"{sha256_of(file)}  {file.relative_to(folder)}\n" for file in files),
        encoding="utf-8",
    )


if __name__ == "__main__":
    run_job(hash_export, snakemake)
