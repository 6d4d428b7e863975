"""Rule list_passages: the completions and chapters of which an LLM is asked what happens in them."""

from xuxie.dataset.build import build, untold
from xuxie.dataset.files import novels_of, read_novels
from xuxie.dataset.sketched import passages as listed
from xuxie.files.rows import write_rows
from xuxie.runtime.job import run_job


def list_passages(
    texts: list[str],
    chapters: list[str],
    pairs: list[str],
    passages: str,
    *,
    name: str,
    dataset: dict,
    generator: str | None,
    completion_chars: int,
    prompt_chars: int,
) -> None:
    """Cut the novels into rows as `build_dataset` will, and list what of them is to be told of.

    Args:
        texts, chapters, pairs: for each novel of the dataset, in its order: text.txt, chapters.jsonl and pairs.jsonl.
        name, dataset, generator, completion_chars, prompt_chars: see `build`.
    """
    novels = novels_of(read_novels(dataset["novels"], texts, chapters=chapters, pairs=pairs))
    build(
        novels,
        untold(dataset),
        dataset=name,
        generator=generator,
        completion_chars=completion_chars,
        prompt_chars=prompt_chars,
    )
    write_rows(passages, listed(novels, dataset))


if __name__ == "__main__":
    run_job(list_passages, snakemake)
