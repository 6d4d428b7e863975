"""What an adapter is worth: its model against the base on held-out text, and everything that is counted in samples."""

from itertools import chain
from pathlib import Path

import torch

from xuxie.evaluation.acquaintance import acquaintance
from xuxie.evaluation.contexts import held_out_rows
from xuxie.evaluation.decay import decay_of_texts
from xuxie.evaluation.detectability import detectability
from xuxie.evaluation.examination import (
    examine_on_base,
    examine_on_paraphrases,
    examined_further,
    parted_chapters,
)
from xuxie.evaluation.intervals import UNCLEAR, WITHHELD, enough_chapters, verdict
from xuxie.evaluation.lengths import systems_of
from xuxie.evaluation.paraphrases import with_paraphrases
from xuxie.evaluation.reading import read_held_out
from xuxie.evaluation.style import Style
from xuxie.evaluation.texts import Highlighter, measure_texts, training_text
from xuxie.evaluation.win_rates import win_rates
from xuxie.files.novel_text import chapter_of, chapter_spans, read_text
from xuxie.files.rows import read_json, read_rows, write_json
from xuxie.sampling.authors import HUMAN, parted
from xuxie.sampling.systems import Trained


def evaluate_adapter(
    train: list[str],
    test: str,
    texts: list[str],
    chapters: list[str],
    samples: str,
    judged: str | None,
    exam: str,
    passages: str,
    paraphrased: str | None,
    adapter: str,
    model: list[str],
    evaluation: str,
    *,
    names: list[str],
    settings: dict,
    system: str | None,
    target_chars: int,
    decodings: dict[str, dict],
    template: str,
    trust_remote_code: bool,
    threads: int,
) -> None:
    """Write evaluation.json.

    Args:
        train: what the adapter may have learnt from, for each of its stages: rows, or raw text.
        names, texts, chapters: name, text.txt and chapters.jsonl of each of the dataset's novels, in the same order.
        judged: the judge's preferences; None if there is no judge.
        exam, passages: what `examine_metrics` found out about the metrics of a text, and the passages that it did so on.
        paraphrased: these passages as an LLM wrote them again; None if none was asked.
        settings: what of `evaluation` of the config says how an adapter is evaluated.
        system: `sampling.system` of the config, so that a model is measured as it is asked.
        target_chars: `sampling.target_chars` of the config.
        decodings: how the samples were drawn, by variant; the empty name is as configured.
        template: the template that the base model and the adapter are asked with.
    """
    torch.set_num_threads(threads)
    held_out = list(read_rows(test))
    sampled = list(read_rows(samples))
    novels = dict(zip(names, map(read_text, texts), strict=True))
    spans = chapter_spans(names, chapters)
    unseen, others = parted_chapters(novels, spans, held_out)
    rows = held_out_rows(held_out, settings["rows"])
    corrupted = with_paraphrases(
        list(read_rows(passages)), list(read_rows(paraphrased)) if paraphrased else []
    )
    trained = Trained(Path(model[0]).parent, Path(adapter).parent, template, trust_remote_code)
    read = read_held_out(trained, rows, novels, spans, corrupted, settings, system)
    novel = "\n".join(novels.values())
    highlighter = Highlighter(novel, training_text(chain.from_iterable(map(read_rows, train))))
    style = Style(others)
    examined = examined_further(
        read_json(exam),
        {"bits": read.bits_exam},
        examine_on_base(sampled, highlighter, style),
        examine_on_paraphrases(corrupted, highlighter, style),
    )
    measured = measure_texts(sampled, highlighter, style)
    preferences = list(read_rows(judged)) if judged else []
    write_json(
        evaluation,
        {
            "template": template,
            "rows": len(rows),
            "held_out_rows": len(held_out),
            "chapters": len({chapter_of(row) for row in rows}),
            "verdict": _signed(read.likelihood["difference"], examined["metrics"]["bits"]),
            "enough_chapters": enough_chapters(read.likelihood["difference"]),
            "bits_per_character": read.likelihood,
            "told": read.told,
            "decoding": {
                name: decodings[parted(name)[1]] for name in systems_of(sampled) if name != HUMAN
            },
            "texts": measured,
            "decay": decay_of_texts(sampled, measured["rows"], preferences, target_chars),
            "acquaintance": acquaintance(sampled, novel),
            "detectability": detectability(sampled, unseen),
            "exam": examined,
            "judge": {"endpoint": settings["judge"], **win_rates(preferences)} if judged else None,
        },
    )


def _signed(difference: dict, certificate: dict) -> str:
    """The verdict, which only a measure that has passed its exam may carry."""
    found = verdict(difference)
    return found if found == UNCLEAR or certificate["fit"] else WITHHELD
