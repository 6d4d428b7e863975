"""A reader for the loopback endpoint: it understands the questions of both roles and answers them by counting characters.

It stands where a paid model would; it is no model, and says nothing about the quality of pairs.
"""

import json
import re

SENTENCE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
SLOT = re.compile(r"^(pair_\d+)：上文 (\d+) 到 (\d+) 字，下文 (\d+) 到 (\d+) 字；completion_first 只能取 ([\d、]+)。$", re.MULTILINE)
PAIR = re.compile(r"<(pair_\d+)>\n(.*?)\n→\n(.*?)\n</\1>", re.DOTALL)


def answer(body: dict) -> str:
    """Content of the completion for a request body: the generator's or the judge's JSON."""
    asked = body["messages"][1]["content"]
    slots = SLOT.findall(asked)
    return json.dumps(_choose(asked, slots) if slots else _mark(asked), ensure_ascii=False)


def _choose(asked: str, slots: list[tuple]) -> dict:
    # A sentence's line has lost the white space around it, at least a character where a paragraph ends.
    lengths = [len(sentence) for _, sentence in SENTENCE.findall(asked)]
    found = {}
    for name, *bounds, cuts in slots:
        prompt_min, prompt_max, completion_min, completion_max = map(int, bounds)
        cut = int(cuts.split("、")[0])
        first = _reach(range(cut - 1, 0, -1), lengths, (prompt_min + prompt_max) / 2)
        last = _reach(range(cut, len(lengths) + 1), lengths, (completion_min + completion_max) / 2)
        found[name] = {"why": "情节在此转折", "prompt_first": first, "completion_first": cut, "completion_last": last}
    return found


def _reach(numbers: range, lengths: list[int], wanted: float) -> int:
    """The sentence at which a run of sentences reaches a length."""
    total = 0
    for number in numbers:
        total += lengths[number - 1]
        if total >= wanted:
            break
    return number


def _mark(asked: str) -> dict:
    passage = re.sub(r"\s", "", asked.split("<pair_1>")[0])
    marks = {}
    for name, _, completion in PAIR.findall(asked):
        true = re.sub(r"\s", "", completion) in passage
        marks[name] = {"reason": "相接" if true else "不相接", "follows": 9 if true else 2, "complete": 8, "style": 8, "clean": 9}
    return marks
