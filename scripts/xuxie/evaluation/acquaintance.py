"""Has the base model read the novel before? Classics, and whatever else is much copied, stand in what base models were trained on."""

from collections.abc import Sequence

from xuxie.evaluation.intervals import interval_of_share
from xuxie.evaluation.memorisation import copied_runs, copy_lengths
from xuxie.files.novel_text import chapter_of
from xuxie.sampling.authors import BASE


def acquaintance(samples: Sequence[dict], novel: str) -> dict | None:
    """How much of what the base model wrote stands in the novel word for word, the held-out chapters included and the prompts left out.

    Nobody here has trained it on any of that: what it recites it has read before. That it recites nothing proves little.

    Args:
        samples: the rows of samples.jsonl.

    Returns:
        `copied`, the share in runs of 30 characters and more, with its interval, and `longest`, the longest run; None where the
        base model was not asked.
    """
    asked = [sample for sample in samples if BASE in sample["outputs"]]
    if not asked:
        return None
    for prompt in filter(None, (sample["prompt"]["input"] for sample in asked)):
        novel = novel.replace(prompt, "\n")
    texts = [sample["outputs"][BASE]["text"] for sample in asked]
    lengths = copy_lengths(novel, texts)
    copied = [
        sum(end - start for start, end in copied_runs(text, found))
        for text, found in zip(texts, lengths, strict=True)
    ]
    chapters = [chapter_of(sample) for sample in asked]
    return {
        "copied": interval_of_share(copied, [len(text) for text in texts], chapters),
        "longest": max((length for found in lengths for length in found), default=0),
    }
