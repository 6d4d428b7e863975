"""Whose adapter finds a passage least surprising? Adapters of several novels on one base model read each other's held-out passages.

An adapter that has learnt a hand, and not just to write novels, foresees its own novel's passages better than the others do.
"""

import gc
from collections.abc import Hashable, Sequence
from pathlib import Path

import torch

from xuxie.evaluation.contexts import Reading
from xuxie.evaluation.exam import TRUE
from xuxie.evaluation.intervals import interval_of_ratio, interval_of_share
from xuxie.evaluation.likelihood import bits_by_token
from xuxie.files.novel_text import chapter_of
from xuxie.files.rows import read_rows, write_json
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling.spread import evenly_spread
from xuxie.sampling.systems import Trained


def attribute_passages(
    passages: list[str],
    test: list[str],
    weights: list[str],
    model: list[str],
    attribution: str,
    *,
    names: list[str],
    templates: list[str],
    most: int,
    trust_remote_code: bool,
    threads: int,
) -> None:
    """Write what each adapter needs for the held-out passages of each one's novels, as `confusion` sums it up.

    Args:
        passages, test: the exam's passages and the held-out rows of each adapter's dataset, in the order of the adapters.
        weights: of each adapter; its folder is loaded.
        names, templates: of each adapter.
        most: about how many passages of each dataset are read.
    """
    torch.set_num_threads(threads)
    read = [evenly_spread(list(read_rows(path)), most) for path in passages]
    owners = [name for name, rows in zip(names, read, strict=True) for _ in rows]
    readings = [
        Reading(chapter_of(row), row["context"], row[TRUE]) for rows in read for row in rows
    ]
    template_row = next(iter(read_rows(test[0])))
    bits = {}
    for name, path, template in zip(names, weights, templates, strict=True):
        trained = Trained(Path(model[0]).parent, Path(path).parent, template, trust_remote_code)
        loaded, tokenizer = trained.load(large_products=True)
        found = bits_by_token(loaded, Prompting(tokenizer, BARE), readings, template_row)
        bits[name] = [sum(value for _, value in tokens) for tokens in found]
        del loaded
        gc.collect()
    lengths = [len(reading.completion) for reading in readings]
    chapters = [reading.chapter for reading in readings]
    write_json(attribution, {"rows": confusion(owners, bits, lengths, chapters)})


def confusion(
    owners: Sequence[str],
    bits: dict[str, list[float]],
    lengths: Sequence[int],
    chapters: Sequence[Hashable],
) -> list[dict]:
    """For the passages of each adapter's novels, how each adapter did.

    Args:
        owners: of each passage the adapter that was trained on its novel.
        bits: by adapter the bits that each passage takes under it.
        lengths, chapters: characters and chapter of each passage.

    Returns:
        for each owner: `adapter`, `passages`, `characters`, and by adapter `cheapest`, the share of the passages that it finds the cheapest of all (a tie is
        shared), and `more`, the bits per character that it needs beyond the owner's adapter, each with its interval over chapters.
    """
    rows = []
    for owner in dict.fromkeys(owners):
        mine = [place for place, name in enumerate(owners) if name == owner]
        where = [chapters[place] for place in mine]
        least = [min(found[place] for found in bits.values()) for place in mine]
        ties = [
            sum(found[place] == low for found in bits.values())
            for place, low in zip(mine, least, strict=True)
        ]
        rows.append(
            {
                "adapter": owner,
                "passages": len(mine),
                "characters": sum(lengths[place] for place in mine),
                "cheapest": {
                    name: interval_of_share(
                        [
                            (found[place] == low) / tied
                            for place, low, tied in zip(mine, least, ties, strict=True)
                        ],
                        [1] * len(mine),
                        where,
                    )
                    for name, found in bits.items()
                },
                "more": {
                    name: interval_of_ratio(
                        [found[place] - bits[owner][place] for place in mine],
                        [lengths[place] for place in mine],
                        where,
                    )
                    for name, found in bits.items()
                },
            }
        )
    return rows
