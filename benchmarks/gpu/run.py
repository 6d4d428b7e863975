"""Everything that a GPU is expected to do, measured in one go and offline: training, sampling, evaluation, and QLoRA of a large model.

    python benchmarks/gpu/run.py                 # on a GPU: the shapes of 1.7 B and 14 B, within ten minutes on an H200
    python benchmarks/gpu/run.py --shape tiny --large tiny --rows 4 --tokens 8      # whether it runs, anywhere

Nothing is fetched: weights are random, the tokenizer is learnt from the sample novel. Each part is a process of its own with
a limit of time; what it measured is in the result file as soon as it ends, and what failed says why.
"""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("scripts", "benchmarks/train", "tests")]

import torch  # noqa: E402
from shape import SHAPES, make_random_model  # noqa: E402
from tiny_model import make_tokenizer  # noqa: E402
from xuxie.evaluation.contexts import plan_readings  # noqa: E402
from xuxie.evaluation.likelihood import read_plan  # noqa: E402
from xuxie.files.rows import read_json, write_json  # noqa: E402
from xuxie.models.loading import load_model  # noqa: E402
from xuxie.prompts.prompting import BARE, Prompting  # noqa: E402
from xuxie.text.sentences import sentences  # noqa: E402
from xuxie.training.machine import describe  # noqa: E402

NOVEL = ROOT / "resources/novels/ban-jin-du.txt"


def main() -> None:
    """Make the models, run the parts, and write and print what they measured."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--shape", choices=SHAPES, default="1.7b")
    asked.add_argument("--large", choices=SHAPES, default="14b", help="trained in four bits")
    asked.add_argument("--rows", type=int, default=256, help="rows of an epoch of training")
    asked.add_argument("--tokens", type=int, default=64, help="tokens of a sample")
    asked.add_argument("--seconds", type=int, default=560, help="for all of it")
    asked.add_argument("--work", type=Path, default=Path("benchmarks/results/gpu"))
    asked.add_argument("--read", nargs=3, help=argparse.SUPPRESS)  # the part that is in this file
    options = asked.parse_args()
    if options.read:
        return _read(*map(Path, options.read))
    options.work.mkdir(parents=True, exist_ok=True)
    machine = describe()
    found = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "gpus": machine["gpus"],
        "processor": machine["processor"],
        "packages": {name: machine["packages"].get(name) for name in ("torch", "transformers", "llamafactory", "bitsandbytes", "liger-kernel")},
        "shapes": [options.shape, options.large],
        "parts": {},
    }  # fmt: skip
    end = time.monotonic() + options.seconds
    for name, part in _parts(options).items():
        found["parts"][name] = _timed(name, part, end - time.monotonic())
        write_json(options.work / "result.json", found)
        print(f"{name}: {json.dumps(found['parts'][name], ensure_ascii=False)}", flush=True)


def _parts(options) -> dict:
    """By name what to run: a function of the seconds that are left, or why it cannot be run."""
    work = options.work
    model, large = work / "model", work / "large"
    tokenizer = make_tokenizer(work / "tokenizer", NOVEL.read_text(encoding="utf-8"), 3000)
    rows = ["--rows", str(options.rows)]

    def script(folder: str, *arguments: object):
        """A benchmark that writes what it measured as JSON."""

        def run(seconds: float) -> dict:
            result = work / "part.json"
            result.unlink(missing_ok=True)
            command = [sys.executable, str(ROOT / f"benchmarks/{folder}/run.py")]
            command += [*map(str, arguments), *([] if folder == "gpu" else ["--json"]), str(result)]
            done = subprocess.run(command, timeout=max(1, seconds), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
            if done.returncode:
                raise RuntimeError("\n".join(done.stdout.splitlines()[-8:]))
            return read_json(result)

        return run

    def make(folder: Path, shape: str):
        return lambda seconds: {"folder": str(make_random_model(folder, tokenizer, shape))}

    four_bits = ["quantization_bit=4", "double_quantization=true", "disable_gradient_checkpointing=false"]  # fmt: skip
    qlora = script("train", "--model", large, "--work", work / "qlora", "--rows", max(4, options.rows // 8), "--sides", "ours", "--set", *four_bits)  # fmt: skip
    adapter, test = work / "train/ours", work / "train/val.jsonl"
    return {
        "random weights": make(model, options.shape),
        "training": script("train", "--model", model, "--work", work / "train", *rows),
        "sampling": script("sampling", "--model", model, "--adapter", adapter, "--test", test, "--tokens", options.tokens),
        "evaluation": script("gpu", "--read", model, adapter),
        "random weights, large": make(large, options.large),
        "QLoRA": qlora if importlib.util.find_spec("bitsandbytes") else "bitsandbytes is not installed: make install GPU=1",
    }  # fmt: skip


def _timed(name: str, part, seconds: float) -> dict:
    """What a part measured and the seconds that it took, or what kept it from it."""
    if isinstance(part, str):
        return {"skipped": part}
    began = time.monotonic()
    try:
        measured = part(seconds)
    except (RuntimeError, subprocess.TimeoutExpired, OSError, torch.OutOfMemoryError) as error:
        measured = {"failed": str(error)}
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return {**measured, "wall_seconds": round(time.monotonic() - began, 1)}


def _read(model: Path, adapter: Path, result: Path) -> None:
    """Time the evaluation's reading of four held-out chapters by base and tuned, and write how much of them a second takes."""
    loaded, tokenizer = load_model(model, adapter)
    formats = {BARE: Prompting(tokenizer, BARE), "template": Prompting(tokenizer, "qwen")}
    text = NOVEL.read_text(encoding="utf-8")
    rows, spans = _held_out(text)
    plan = plan_readings(
        rows, {"novel": text}, spans, contexts=[0, 128, 512, 1500], ladder_rows=8, stretch=3000, room=20_000
    )  # fmt: skip
    seconds = {}
    for side in ("base", "tuned"):
        began = time.perf_counter()
        with loaded.disable_adapter() if side == "base" else nullcontext():
            read_plan(loaded, formats, plan, rows[0])
        seconds[side] = time.perf_counter() - began
    characters = sum(len(row["output"]) for row in rows)
    both = sum(seconds.values())
    write_json(
        result,
        {"characters": characters, "seconds": seconds, "characters_per_second": characters / both},
    )


def _held_out(text: str) -> tuple[list[dict], dict[tuple[str, int], tuple[int, int]]]:
    """The last four chapters in rows of about 250 characters, and where each chapter lies."""
    edges = [found.start() for found in re.finditer(r"^第.+章", text, re.MULTILINE)] + [len(text)]
    rows, spans = [], {}
    for chapter, (first, end) in list(enumerate(pairwise(edges), 1))[-4:]:
        spans["novel", chapter] = first, end
        begin = first
        for _, stop in sentences(text[first:end]):
            if first + stop - begin >= 250:
                rows.append(
                    {
                        "instruction": "续写以下小说片段：",
                        "system": "",
                        "history": [],
                        "novel": "novel",
                        "chapter": chapter,
                        "input": text[max(first, begin - 250) : begin],
                        "output": text[begin : first + stop],
                        "completion_span": [begin, first + stop],
                    }
                )
                begin = first + stop
    return rows, spans


if __name__ == "__main__":
    main()
