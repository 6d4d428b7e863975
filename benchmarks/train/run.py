"""The blog's training flags against ours: same rows, same model, same rows per step, same precision, side by side.

    python benchmarks/train/run.py

On a CPU it trains the embedded 0.5 B model, on a GPU random weights of the shape of Qwen3-1.7B, unless a model is named. Both need
`snakemake results/models/qwen2.5-coder-0.5b/model.json` first, for weights and tokenizer.

Useful tokens are those of the rows, prompt and completion, each counted once an epoch; padding is not among them.
The first epoch warms up, the others are timed. Model FLOP utilisation counts 4 N FLOPs a useful token (2 N forward, 2 N
for the gradients that pass through; with LoRA none are computed for the N frozen weights).
"""

import argparse
import dataclasses
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks/train")]

from shape import make_random_model  # noqa: E402
from xuxie.dataset.alpaca import dataset_info  # noqa: E402
from xuxie.files.rows import read_json, write_json, write_rows  # noqa: E402
from xuxie.models.loading import load_tokenizer  # noqa: E402
from xuxie.prompts.prompting import Prompting  # noqa: E402
from xuxie.text.sentences import sentences  # noqa: E402
from xuxie.training.arguments import machine_arguments  # noqa: E402
from xuxie.training.launch import launch  # noqa: E402
from xuxie.training.machine import describe  # noqa: E402
from xuxie.training.speed import PEAKS  # noqa: E402

EMBEDDED = ROOT / "results/models/qwen2.5-coder-0.5b/hf"
COMMON = {
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_target": "all",
    "lora_rank": 8,
    "template": "qwen",
    "learning_rate": 1e-4,
    "lr_scheduler_type": "cosine",
    "logging_steps": 1,
    "save_strategy": "no",
    "eval_strategy": "epoch",
    "per_device_eval_batch_size": 4,
    "report_to": "none",
    "disable_tqdm": True,
    "include_num_input_tokens_seen": "all",
    "seed": 42,
    "bf16": True,
}
"""What both sides share. bfloat16 stands in for the blog's fp16: a CPU has no fp16, and the precision is to be the same."""

SIDES = ["literal flags", "ours"]
LITERAL = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "cutoff_len": 2048}


@dataclass
class Side:
    """What one side measured."""

    name: str
    seconds: float
    processed: int
    tokens: int
    loss: float
    val_loss: float

    @property
    def speed(self) -> float:
        """Useful tokens per second."""
        return self.tokens / self.seconds


def main() -> None:
    """Measure both sides and print what came out."""
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--rows", type=int, help="rows an epoch; 32 on a CPU, 512 on a GPU")
    asked.add_argument("--epochs", type=int, default=2, help="of which the first is not timed")
    asked.add_argument("--model", type=Path, help="folder of the model")
    asked.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    asked.add_argument("--set", nargs="*", default=[], help="arguments of both, as NAME=VALUE")
    asked.add_argument("--work", type=Path, default=Path("benchmarks/results/train"))
    asked.add_argument("--json", type=Path, help="a file for what was measured")
    options = asked.parse_args()
    machine = describe()
    gpu = bool(machine["gpus"])
    count = options.rows or (512 if gpu else 32)
    model = options.model or (
        make_random_model(options.work / "model", EMBEDDED) if gpu else EMBEDDED
    )
    lengths = _write_data(options.work, model, count)
    ours = (
        _ours_on_gpu(lengths)
        if gpu
        else machine_arguments(LITERAL, gpu=False, precision="bfloat16") | {"cutoff_len": 2048}
    )
    more = yaml.safe_load("\n".join(item.replace("=", ": ", 1) for item in options.set)) or {}
    settings = {"literal flags": LITERAL | more, "ours": ours | more}
    sides = [_train(options, name, model, settings[name], sum(lengths)) for name in options.sides]
    _print(machine, model, lengths, sides, ours | more)
    if options.json:
        measured = [dataclasses.asdict(side) | {"useful_per_second": side.speed} for side in sides]
        write_json(options.json, {"rows": len(lengths), "ours": ours | more, "sides": measured})


def _ours_on_gpu(lengths: list[int]) -> dict:
    """Packed rows, about sixteen to a step as in the literal flags, and every kernel that is installed."""
    pack = max(512, -(-16 * round(statistics.mean(lengths)) // 512) * 512)
    installed = {
        name: importlib.util.find_spec(name) is not None for name in ("flash_attn", "liger_kernel")
    }
    return {
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "cutoff_len": pack,
        "neat_packing": True,
        "packing": True,
        "flash_attn": "fa2" if installed["flash_attn"] else "sdpa",
        "enable_liger_kernel": installed["liger_kernel"],
        "disable_gradient_checkpointing": True,
        "optim": "adamw_torch_fused",
    }


def _write_data(work: Path, model: Path, count: int) -> list[int]:
    """Rows of the sample novel in the proportions of a mixed recipe; the lengths in tokens of those to train on."""
    text = (ROOT / "resources/novels/ban-jin-du.txt").read_text(encoding="utf-8")
    spans = sentences(text)
    rows = []
    for number in range(count + 8):
        first = number * 37 % (len(spans) - 60)
        prompt, completion = (3 + number * 5 % 6, 2 + number * 7 % 8) if number % 8 else (10, 25)
        cut = spans[first + prompt][0]
        rows.append(
            {
                "instruction": "续写以下小说片段：",
                "input": text[spans[first][0] : cut],
                "output": text[cut : spans[first + prompt + completion][0]],
                "system": "你是一个严谨的故事续写专家，为用户的输入进行续写",
                "history": [],
            }
        )
    work.mkdir(parents=True, exist_ok=True)
    write_rows(work / "train.jsonl", rows[:count])
    write_rows(work / "val.jsonl", rows[count:])
    write_json(work / "dataset_info.json", dataset_info("novel", ("train", "val")))
    prompting = Prompting(load_tokenizer(model), "qwen")
    return [len(prompting.training_ids(row)[0]) for row in rows[:count]]


def _train(options, name: str, model: Path, settings: dict, useful: int) -> Side:
    """Run LLaMA-Factory as the workflow does; time the epochs after the first."""
    output = options.work / name.replace(" ", "-")
    shutil.rmtree(output, ignore_errors=True)
    arguments = COMMON | {
        "model_name_or_path": str(model),
        "dataset_dir": str(options.work),
        "dataset": "novel_train",
        "eval_dataset": "novel_val",
    }
    arguments |= settings | {"output_dir": str(output), "num_train_epochs": options.epochs}
    if not torch.cuda.is_available():
        arguments["use_cpu"] = True
    file = options.work / f"{output.name}.yaml"
    file.write_text(yaml.safe_dump(arguments, sort_keys=False))
    threads = len(os.sched_getaffinity(0))
    command, environment = launch(
        str(file),
        {},
        threads=threads,
        gpus=1,
        nodes=1,
        cache=str(options.work / "cache"),
        environment=dict(os.environ),
    )
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    history = read_json(output / "trainer_state.json")["log_history"]
    steps = [entry for entry in history if "loss" in entry]
    start, end = next(entry for entry in reversed(steps) if entry["epoch"] <= 1), steps[-1]
    pause = sum(
        entry["eval_runtime"]
        for entry in history
        if "eval_runtime" in entry and 1 <= entry["epoch"] < options.epochs
    )
    return Side(
        name,
        seconds=end["train_runtime"] - start["train_runtime"] - pause,
        processed=end["num_input_tokens_seen"] - start["num_input_tokens_seen"],
        tokens=useful * (options.epochs - 1),
        loss=end["loss"],
        val_loss=[entry["eval_loss"] for entry in history if "eval_loss" in entry][-1],
    )


def _print(machine: dict, model: Path, lengths: list[int], sides: list[Side], ours: dict) -> None:
    weights = sum(file.stat().st_size for file in model.glob("*.safetensors")) / 2
    device = (
        machine["gpus"][0]["name"]
        if machine["gpus"]
        else f"{machine['processor']}, {machine['cores']} cores"
    )
    peak = next((flops for name, flops in PEAKS.items() if name in device), None)
    print(
        f"device: {device}; torch {machine['packages']['torch']}, Python {platform.python_version()}; {weights / 1e9:.2f} G weights, bfloat16"
    )
    print(
        f"rows: {len(lengths)}, {sum(lengths)} useful tokens an epoch, {statistics.mean(lengths):.0f} a row"
    )
    for low in range(0, max(lengths) + 1, 100):
        inside = sum(low <= length < low + 100 for length in lengths)
        print(f"  {low:5}–{low + 99:<5} {inside:4} {'#' * round(40 * inside / len(lengths))}")
    print(f"ours: {json.dumps(ours)}")
    print(
        f"{'':16}{'useful tok/s':>14}{'useful share':>14}{'TFLOP/s':>10}{'of peak':>9}{'loss':>8}{'val loss':>10}"
    )
    for side in sides:
        flops = 4 * weights * side.speed
        share = f"{flops / peak:9.1%}" if peak else f"{'–':>9}"
        print(
            f"{side.name:16}{side.speed:14.1f}{side.tokens / side.processed:14.1%}{flops / 1e12:10.3f}{share}{side.loss:8.3f}{side.val_loss:10.4f}"
        )
    if len(sides) == 2:
        print(f"ratio: {sides[1].speed / sides[0].speed:.2f}")


if __name__ == "__main__":
    main()
