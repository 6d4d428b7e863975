"""Does an adapter that goes on learning from the story, while it is read, read its last quarter better?

    python benchmarks/temporary/run.py RESULTS ADAPTER [--chapters 8] [--rates 0 1e-4 3e-4 1e-3] [--out FILE]

Held-out chapters of the adapter's dataset, each block by block: a block is measured after the text before it, and only then learnt from, in
one step of gradient descent on the LoRA alone (Adam), which begins anew with every chapter. Rate 0 learns nothing: the adapter as it was
trained. All rates read the same blocks after the same context. (Dynamic evaluation: Krause et al. 2018, arXiv:1709.07432.)
"""

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import torch
import yaml
from xuxie.evaluation.intervals import interval_of_ratio
from xuxie.evaluation.lengths import QUARTERS
from xuxie.files.novel_text import chapter_spans, read_text
from xuxie.files.rows import read_rows, write_json
from xuxie.models.loading import best_dtype, load_model
from xuxie.sampling.spread import evenly_spread


def main() -> None:
    """Measure, write what was found, and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, help="the folder of a run")
    parser.add_argument("adapter", help="one of its adapters, of a dataset with its name")
    parser.add_argument("--chapters", type=int, default=8, help="at most, spread evenly")
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 1e-4, 3e-4, 1e-3])
    parser.add_argument("--block", type=int, default=256, help="tokens")
    parser.add_argument("--context", type=int, default=768, help="tokens before a block")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.json"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer = load_model(
        base_model(options.results, options.adapter),
        options.results / "adapters" / options.adapter,
        dtype=best_dtype(large_products=True),
    )
    for name, weight in model.named_parameters():
        # Small steps are lost in bfloat16.
        weight.requires_grad_("lora_" in name)
        if weight.requires_grad:
            weight.data = weight.data.float()
    chapters = held_out(options.results, options.adapter, options.chapters)
    asked = ("adapter", "rates", "block", "context")
    found: dict = {**{key: getattr(options, key) for key in asked}, "ways": {}}
    for rate in options.rates:
        began = time.monotonic()
        quarters = [
            by_quarter(model, tokenizer, text, rate, options.block, options.context)
            for text in chapters.values()
        ]
        found["ways"][f"{rate:g}"] = {
            "seconds": round(time.monotonic() - began, 1),
            "bits": quarters,
        }
    summary = summed(found["ways"], list(chapters))
    write_json(options.out, {**found, "chapters": list(chapters), "summary": summary})
    print("| rate | quarter 1 | 2 | 3 | 4 | all, against rate 0 | seconds |\n|---|" + "---:|" * 6)
    for rate, row in summary.items():
        change = row["relative"]
        print(
            f"| {rate} | {' | '.join(f'{bits:.3f}' for bits in row['quarters'])} | "
            f"{change['value']:+.1%} ({change['low']:+.1%} to {change['high']:+.1%}) | "
            f"{found['ways'][rate]['seconds']} |"
        )


def base_model(results: Path, adapter: str) -> Path:
    """The folder of an adapter's base model, which its train.yaml names from the folder that holds `results`."""
    said = yaml.safe_load((results / "adapters" / adapter / "train.yaml").read_text("utf-8"))
    return results / Path(said["model_name_or_path"]).relative_to("results")


def held_out(results: Path, dataset: str, count: int) -> dict[tuple[str, int], str]:
    """Text of held-out chapters by novel and number."""
    rows = list(read_rows(results / "datasets" / dataset / "test.jsonl"))
    names = sorted({row["novel"] for row in rows})
    spans = chapter_spans(
        names, [str(results / "novels" / name / "chapters.jsonl") for name in names]
    )
    texts = {name: read_text(results / "novels" / name / "text.txt") for name in names}
    chapters = dict.fromkeys((row["novel"], row["chapter"]) for row in rows)
    return {
        chapter: texts[chapter[0]][slice(*spans[chapter])]
        for chapter in evenly_spread(list(chapters), count)
    }


def by_quarter(
    model, tokenizer, text: str, rate: float, block: int, context: int
) -> list[tuple[float, int]]:
    """(bits, characters) of each quarter of a chapter's blocks; the first block only begins it."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    before = [weight.detach().clone() for weight in weights]
    optimizer = torch.optim.Adam(weights, lr=rate) if rate else None
    ids = tokenizer.encode(text, add_special_tokens=False)
    read = []
    for loss, count, own in blocks(model, ids, block, context):
        read.append((loss.item() * count / math.log(2), len(tokenizer.decode(own))))
        if optimizer:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for weight, old in zip(weights, before, strict=True):
        weight.data.copy_(old)
    edges = [len(read) * number // QUARTERS for number in range(QUARTERS + 1)]
    return [
        (sum(bits for bits, _ in read[a:b]), sum(size for _, size in read[a:b]))
        for a, b in zip(edges, edges[1:], strict=False)
    ]


def blocks(
    model, ids: list[int], block: int, context: int
) -> Iterator[tuple[torch.Tensor, int, list[int]]]:
    """Each whole block after the first: its mean loss in nats, its tokens' number, and its tokens."""
    for start in range(block, len(ids) - block + 1, block):
        first, own = max(0, start - context), ids[start : start + block]
        tokens = torch.tensor([ids[first : start + block]])
        logits = model(input_ids=tokens, logits_to_keep=block + 1).logits[0, :-1].float()
        yield torch.nn.functional.cross_entropy(logits, torch.tensor(own)), block, own


def summed(ways: dict, chapters: list[tuple[str, int]]) -> dict:
    """By rate the bits per character of each quarter, and the change of all and of the last quarter against rate 0 with its interval over chapters."""
    still = ways["0"]["bits"]
    found: dict[str, dict] = {}
    for rate, way in ways.items():
        quarters = [
            sum(bits for bits, _ in quarter) / sum(size for _, size in quarter)
            for quarter in zip(*way["bits"], strict=True)
        ]
        found[rate] = {"quarters": quarters}
        for name, taken in (("relative", slice(None)), ("last quarter", slice(-1, None))):
            new, old = (
                [sum(bits for bits, _ in chapter[taken]) for chapter in side]
                for side in (way["bits"], still)
            )
            change = [a - b for a, b in zip(new, old, strict=True)]
            found[rate][name] = interval_of_ratio(change, old, chapters)
    return found


if __name__ == "__main__":
    main()
