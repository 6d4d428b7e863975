"""Of the samples of benchmarks/stops: how many end by themselves, and how much they repeat, beside the author.

python benchmarks/stops/count.py [ADAPTER FILE] writes what it counts beside this script, and prints it.
"""

import json
import sys
from pathlib import Path

from xuxie.evaluation.intervals import interval_of_rate, interval_of_share
from xuxie.files.rows import read_rows
from xuxie.overlap.ngrams import dense, ngrams


def main(folder: str = "results/adapters/ban-jin-du", kept: str = "results.json") -> None:
    """Count, keep and print."""
    samples = list(read_rows(Path(folder, "samples.jsonl")))
    rows = read_rows(Path(folder, "stages/sft/data/train.jsonl"))
    longest = max(len(row["output"]) for row in rows)
    chapters = [(sample["novel"], sample["chapter"]) for sample in samples]
    ways = list(samples[0]["outputs"])
    counted = {
        "prompts": len(samples),
        "longest trained completion": longest,
        "author": measured([sample["reference"] for sample in samples], chapters),
    }
    for way in ways:
        outputs = [sample["outputs"][way] for sample in samples]
        stops = [
            output["stop"] == "natural" and len(output["text"]) <= 2 * longest for output in outputs
        ]
        counted[way] = measured([output["text"] for output in outputs], chapters) | {
            "natural stops": interval_of_share(stops, [1] * len(stops), chapters)
        }
    text = json.dumps(counted, ensure_ascii=False, indent=1)
    Path(__file__).with_name(kept).write_text(text + "\n", encoding="utf-8")
    print(text)


def measured(texts: list[str], chapters: list) -> dict:
    """Characters of a text, and the share of 4-grams that stood in it before."""
    grams = [list(ngrams(dense(text), 4)) for text in texts]
    repeated = [len(own) - len(set(own)) for own in grams]
    return {
        "characters": interval_of_rate([len(text) for text in texts], [1] * len(texts), chapters),
        "repeated 4-grams": interval_of_share(repeated, [len(own) for own in grams], chapters),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
