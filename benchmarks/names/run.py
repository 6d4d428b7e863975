"""Precision and recall of the finder of names, on labelled chapters of a novel.

    python benchmarks/names/run.py LABELS NOVEL

LABELS is a file of this folder, NOVEL the novel's text; the two classics are in the public domain, and no part of the project. What was
measured is written into results.json beside this file, one entry for each file of labels, with the date; other entries stay.
"""

import argparse
import datetime
import json
import sys
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]

from measure import Count  # noqa: E402
from xuxie.config.completion import complete_config  # noqa: E402
from xuxie.text.chapters import find_chapters  # noqa: E402
from xuxie.text.names import NameFinder  # noqa: E402
from xuxie.text.normalise import normalise  # noqa: E402
from xuxie.text.sources import read_sources  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("novel", type=Path)
    arguments = parser.parse_args()
    labels = yaml.safe_load(arguments.labels.read_text(encoding="utf-8"))["chapters"]
    config: dict = {"novels": {"novel": {"path": str(arguments.novel)}}}
    complete_config(config, HERE.parents[1] / "config/schema.yaml")
    steps = config["novels"]["novel"]["normalise"]
    text = normalise(read_sources([str(arguments.novel)]), steps=steps).aligned.text
    chapters = {
        number: text[chapter.start : chapter.end]
        for number, chapter in enumerate(find_chapters(text)[0], 1)
    }
    began = time.process_time()
    finder = NameFinder(text)
    seconds = time.process_time() - began
    entry: dict = {
        "date": datetime.date.today().isoformat(),
        "characters": len(text),
        "learnt": len(finder.learnt),
        "processor_seconds_to_learn": round(seconds, 1),
        "chapters": {},
    }
    whole = Count()
    for chapter, label in labels.items():
        passage = text if chapter == "all" else chapters[chapter]
        names = finder.names(passage)
        one = Count()
        for count in (one, whole):
            count.add(passage, label, names)
        entry["chapters"][str(chapter)] = one.summary() | {
            "false": sorted(set(one.false)),
            "missed": sorted(set(one.missed)),
        }
    entry["all"] = whole.summary()
    results = HERE / "results.json"
    known = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    known[arguments.labels.stem] = entry
    results.write_text(json.dumps(known, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(entry["all"], indent=2))


if __name__ == "__main__":
    main()
