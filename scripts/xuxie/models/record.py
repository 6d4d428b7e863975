"""What a model folder is: source, licence, template, and the hash of every file in it."""

from pathlib import Path

from xuxie.files.hashing import sha256_of
from xuxie.files.rows import write_json


def write_record(record: str | Path, folder: str | Path, **facts) -> None:
    """Write `model.json`: the facts given, then name and SHA-256 of each file of the folder."""
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
    write_json(
        record,
        {**facts, "files": {str(file.relative_to(folder)): sha256_of(file) for file in files}},
    )
