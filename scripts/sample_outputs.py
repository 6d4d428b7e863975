"""Rule sample_outputs: the base model, the adapter and their rivals continue the same held-out prompts."""

import gc
import logging
from pathlib import Path

import torch
from xuxie.files.novel_text import chapter_spans, read_text
from xuxie.files.rows import read_rows, write_rows
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job
from xuxie.sampling.authors import BASE, TUNED
from xuxie.sampling.drafts import Exam
from xuxie.sampling.held_out import choose_prompts, true_continuation
from xuxie.sampling.memory import remembering_by_novel
from xuxie.sampling.outlines import with_outlines
from xuxie.sampling.systems import (
    Trained,
    sample_rival,
    sample_trained,
    side_by_side,
)

logger = logging.getLogger(__name__)


def sample_outputs(
    test: str,
    texts: list[str],
    chapters: list[str],
    adapter: str,
    model: list[str],
    passages: str | None,
    cast: str | None,
    samples: str,
    *,
    names: list[str],
    sampling: dict,
    template: str,
    history_turns: int,
    language: str,
    trust_remote_code: bool,
    exam: dict,
    rivals: dict[str, dict],
    endpoints: dict,
    llm: dict,
    threads: int,
) -> None:
    """Write one row for each prompt: the prompt, the author's own continuation, and the output of every system.

    Args:
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        adapter: the adapter's weights; its folder is loaded.
        model: the files of the base model's folder.
        passages: of the dataset's exam, which the ranking of drafts sits too; None where there is one draft each.
        exam: `evaluation.exam` of the config: how many passages are read (`read`), and the bound (`auc`).
        cast: who and where the dataset's rows are told of; None if they are told nothing.
        sampling: `sampling` of the config; `systems` says who is asked, and in which order.
        template: the template that the base model and the adapter are asked with.
        history_turns: the most earlier turns that a question has, as the rows of the adapter's dataset have.
        language: that they are told of the story in.
        rivals: by name what must be known of the systems beyond base and tuned; see `sample_rival`.
        endpoints, llm: these parts of the config.
    """
    torch.set_num_threads(threads)
    novels = dict(zip(names, map(read_text, texts), strict=True))
    spans, target = chapter_spans(names, chapters), sampling["target_chars"]
    held_out = list(read_rows(test))
    rows = choose_prompts(held_out, sampling["prompts"], target, spans)
    rows = with_outlines(rows, held_out, sampling, language)
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    journal = Path(samples).with_suffix(".journal")
    logger.info('to talk to the tuned model: make chat CHAT="--adapter %s"', trained.adapter.name)
    own = [name for name in sampling["systems"] if name in (BASE, TUNED)]
    tried = Exam(list(read_rows(passages)), exam["read"], exam["auc"]) if passages else None
    remembering = remembering_by_novel(cast, language)
    outputs = (
        sample_trained(rows, trained, own, sampling, journal, history_turns, tried, remembering)
        if own
        else {}
    )
    if torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()  # the model is gone, and a rival's server wants its room
    for name, rival in rivals.items():
        outputs |= sample_rival(
            rows,
            name,
            rival,
            sampling,
            journal,
            remembering,
            endpoints=endpoints,
            llm=llm,
            threads=threads,
            exam=tried,
        )
    references = [true_continuation(row, target, novels, spans) for row in rows]
    write_rows(samples, side_by_side(rows, references, outputs, sampling["systems"]))


if __name__ == "__main__":
    run_job(in_environment(sample_outputs), snakemake)
