"""Whether sentences about passages are about these passages.

One that fits makes its passage likelier to a base model than a sentence about a passage of another chapter does: by how often
it does so each kind of sentence is judged, as scorers of pairs are.
"""

import random
from collections import Counter
from collections.abc import Sequence

from xuxie.files.novel_text import chapter_of
from xuxie.pairs.calibration import auc
from xuxie.pairs.likelihood import score_by_likelihood

_CONTEXTS, _SENTENCE_TOKENS, _PASSAGE_TOKENS = 5, 128, 96
_FEWEST = 3
"""With fewer sentences nothing can be told."""


def examine_sketches(
    model,
    tokenizer,
    found: Sequence[dict],
    sentences: dict[str, dict],
    *,
    bound: float,
    checked: int,
    seed: int,
) -> dict[str, dict]:
    """By kind how many sentences were asked for and failed, by reason, and how well those that there are fit.

    Args:
        found: the passages.
        sentences: what was answered, by id.
        bound: the least AUC.
        checked: how many of each kind are read.

    Returns:
        by kind `asked`, `failed`, `checked`, `bound`, `auc` (None where there are too few to tell) and `told`, whether rows are told them.
    """
    kinds: dict[str, dict] = {}
    for kind in dict.fromkeys(passage["kind"] for passage in found):
        own = [passage for passage in found if passage["kind"] == kind]
        answered = [passage for passage in own if "sentence" in sentences[passage["id"]]]
        failed = Counter(
            sentences[passage["id"]]["failed"]
            for passage in own
            if "failed" in sentences[passage["id"]]
        )
        taken = random.Random(seed).sample(answered, min(checked, len(answered)))
        area = _area(model, tokenizer, taken, sentences, seed)
        kinds[kind] = {
            "asked": len(own),
            "failed": dict(failed),
            "checked": len(taken),
            "auc": area,
            "bound": bound,
            "told": area is not None and area >= bound,
        }
    return kinds


def _area(
    model, tokenizer, taken: Sequence[dict], sentences: dict[str, dict], seed: int
) -> float | None:
    """How often a passage after its own sentence scores above one after another chapter's."""
    pairs = [
        {
            "id": passage["id"],
            "chapter": chapter_of(passage),
            "chunk": passage["id"],
            "prompt": sentences[passage["id"]]["sentence"] + "\n",
            "completion": passage["text"],
        }
        for passage in taken
    ]
    if len(pairs) < _FEWEST:
        return None
    scored = score_by_likelihood(
        model,
        tokenizer,
        pairs,
        contexts=min(_CONTEXTS, len(pairs) - 1),
        context_tokens=_SENTENCE_TOKENS,
        completion_tokens=_PASSAGE_TOKENS,
        seed=seed,
    )
    true = [row["value"] for row in scored if row["value"] is not None]
    return auc(true, [value for row in scored for value in row["swapped"]])
