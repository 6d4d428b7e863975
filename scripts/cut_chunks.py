"""Rule cut_chunks: cut each chapter into chunks of whole sentences."""

import logging
from collections.abc import Iterator

from xuxie.files.novel_text import read_text
from xuxie.files.rows import read_rows, write_rows
from xuxie.runtime.job import run_job
from xuxie.text.chunks import Cost, characters
from xuxie.text.chunks import chunks as cut
from xuxie.text.tokens import token_cost

logger = logging.getLogger(__name__)


def cut_chunks(
    text: str, chapters: str, chunks: str, *, novel: str, size: int, tokenizer: str | None = None
) -> None:
    """Write one row for each chunk, of at most `size` characters, or tokens of the model whose config is given as `tokenizer`."""
    content = read_text(text)
    rows = _rows(
        content,
        read_rows(chapters),
        novel,
        size,
        token_cost(tokenizer) if tokenizer else characters,
    )
    count = write_rows(chunks, rows)
    logger.info("%d chunks of at most %d %s", count, size, "tokens" if tokenizer else "characters")


def _rows(text: str, chapters: Iterator[dict], novel: str, size: int, cost: Cost) -> Iterator[dict]:
    count = 0
    for chapter, row in enumerate(chapters, 1):
        for start, end in cut(text, row["start"], row["end"], size, cost):
            count += 1
            yield {
                "id": f"{novel}-c{count:04d}",
                "novel": novel,
                "chapter": chapter,
                "start": start,
                "end": end,
                "text": text[start:end],
            }


if __name__ == "__main__":
    run_job(cut_chunks, snakemake)
