"""The default run on an idle machine, and once more with one core kept busy from its second minute on.

    python benchmarks/busy/demo.py FOLDER [--out FILE]

Each runs as `snakemake --cores all` does, in a new folder below FOLDER, where its results stay. The seconds of every rule come from Snakemake's own benchmark files.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LATER = 60  # seconds until the core is taken


def run(folder: Path, *, disturbed: bool) -> dict:
    """Seconds of the whole run and of its rules. A run that fails ends this script."""
    folder.mkdir(parents=True)
    for name in ("config", "resources"):
        (folder / name).symlink_to(REPOSITORY / name)
    load, began = os.getloadavg(), time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--cores", "all", "--directory", str(folder)]
    loop: list[subprocess.Popen] = []
    timer = threading.Timer(
        LATER, lambda: loop.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
    )
    if disturbed:
        timer.start()
    try:
        subprocess.run(command, cwd=REPOSITORY, check=True)
        seconds = time.monotonic() - began
    finally:
        timer.cancel()
        for process in loop:
            process.kill()
    rules: dict[str, int] = {}
    for file in sorted(folder.glob("benchmarks/results/*/*.tsv")):
        (row,) = csv.DictReader(file.open(encoding="utf-8"), delimiter="\t")
        rules[file.parent.name] = round(rules.get(file.parent.name, 0) + float(row["s"]))
    return {"load before": load, "seconds": round(seconds), "rules": rules}


def main() -> None:
    """Measure, write what was found, and print the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    found = {"idle": run(arguments.folder / "idle", disturbed=False)}
    # Kept at once: the second run takes twice as long.
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    found["disturbed"] = run(arguments.folder / "disturbed", disturbed=True)
    found["ratio"] = round(found["disturbed"]["seconds"] / found["idle"]["seconds"], 2)
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{found['ratio']} times")


if __name__ == "__main__":
    main()
