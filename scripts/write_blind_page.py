"""Rule write_blind_page: continuations side by side, for readers who don't know who wrote what."""

from pathlib import Path

from xuxie.blind.items import make_items
from xuxie.blind.page import page_content, page_key
from xuxie.errors import UserError
from xuxie.files.rows import read_rows, write_json
from xuxie.report.rendering import read_captions, render_page
from xuxie.runtime.job import run_job


def write_blind_page(
    samples: list[str],
    layout: list[str],
    page: str,
    key: str,
    *,
    adapters: list[str],
    language: str,
    title: str,
    passages: int,
    seed: int,
) -> None:
    """Write one page that needs nothing else, and beside it the key, which readers must not get.

    Args:
        samples: samples.jsonl of each of `adapters`.
        layout: template, style, script and captions of the page.
        passages: at most so many passages of each adapter.
        seed: decides on the order.

    Raises:
        UserError: no passage has two continuations that are long enough to choose between.
    """
    rows = {name: list(read_rows(path)) for name, path in zip(adapters, samples, strict=True)}
    items = make_items(rows, passages=passages, seed=seed)
    if not items:
        raise UserError(
            "no passage has two continuations of 40 characters or more",
            where=", ".join(samples),
            remedy="have longer samples written (sampling.max_new_tokens), or more of them (sampling.prompts)",
        )
    folder = Path(layout[0]).parent
    captions = read_captions(folder, language)
    content = page_content(items, title)
    Path(page).write_text(render_page(folder, content, captions, "page.html.j2"), encoding="utf-8")
    write_json(key, page_key(items))


if __name__ == "__main__":
    run_job(write_blind_page, snakemake)
