"""Sampling at several batch sizes, beside one prompt at a time through transformers' own `generate`.

    python benchmarks/sampling/run.py --model results/models/NAME/hf --adapter results/adapters/NAME --test results/datasets/NAME/test.jsonl

Every continuation runs to the same length, so that all ways do the same work: stop tokens are not honoured. Each
way is timed whole, reading the prompts included, after a first short run that warms up. Samples of all batch
sizes, and of a shuffled order, must be the same to the token; the run says how many are.
"""

import argparse
import random
import sys
import time
from collections import deque
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from xuxie.files.rows import read_rows, write_json
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.decoding import Request, decode
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.sampler import Sampler


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="folder of the base model")
    parser.add_argument("--adapter", help="folder of an adapter")
    parser.add_argument(
        "--test", required=True, help="Alpaca rows to continue; repeated if there are too few"
    )
    parser.add_argument("--template", default="qwen")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 16])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="a file for what was measured")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer = load_model(options.model, options.adapter)
    prompting = Prompting(tokenizer, options.template)
    rows = list(read_rows(options.test))
    prompts = [prompting.prompt_ids(rows[index % len(rows)]) for index in range(options.prompts)]
    generate(model, prompts[:1], 4)
    alone = clocked(lambda: generate(model, prompts, options.tokens))[0]
    print(
        f"{len(prompts)} prompts of {min(map(len, prompts))} to {max(map(len, prompts))} tokens, {options.tokens} new tokens each, {model.dtype}\n"
    )
    print("| way | tokens/s | ratio | samples that are the same |\n|---|---|---|---|")
    show("`generate`, one prompt at a time", alone, alone, options, "")
    measured = {"one by one": options.prompts * options.tokens / alone}
    first = None
    for size in options.batch_sizes:
        order = list(range(len(prompts)))
        random.Random(size).shuffle(order)
        seconds, samples = clocked(lambda: batched(model, prompts, order, options.tokens, size))
        first = first or samples
        show(
            f"xuxie, batch size {size}, order shuffled",
            seconds,
            alone,
            options,
            f"{sum(samples[key] == first[key] for key in first)} of {len(first)}",
        )
        measured[f"batch size {size}"] = options.prompts * options.tokens / seconds
    if options.json:
        write_json(options.json, {"tokens_per_second": measured})


def clocked(work) -> tuple[float, object]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def generate(model, prompts: list[list[int]], tokens: int) -> None:
    """What a plain script does: transformers' sampling, one prompt after the other."""
    for ids in prompts:
        inputs = torch.tensor([ids], device=model.device)
        model.generate(
            input_ids=inputs, attention_mask=torch.ones_like(inputs), do_sample=True, temperature=0.7, top_p=0.9, top_k=50,
            repetition_penalty=1.2, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0,
        )  # fmt: skip


def batched(
    model, prompts: list[list[int]], order: list[int], tokens: int, batch_size: int
) -> dict[int, list[int]]:
    """Tokens by prompt."""
    waiting = deque(Request((index,), prompts[index], tokens) for index in order)
    sampler = Sampler(SamplingParameters(penalty_exempt=()), None, ())
    found = decode(model, waiting, sampler=sampler, seed=0, stop_ids=set(), batch_size=batch_size)
    return {request.key[0]: continuation.ids for request, continuation in found}


def show(way: str, seconds: float, alone: float, options, same: str) -> None:
    """One line of the table."""
    print(
        f"| {way} | {options.prompts * options.tokens / seconds:.1f} | {alone / seconds:.1f} | {same} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
