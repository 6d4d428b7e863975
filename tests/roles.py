"""A reader for the loopback endpoint: it understands the questions of both roles and answers them by counting characters.

It stands where a paid model would; it is no model, and says nothing about the quality of pairs.
"""

import json
import re

from workspace import REPOSITORY

#: The key that the loopback endpoint asks for; tests look for it where it must not be.
KEY = "sk-loopback-marker-4f1d"

NOVEL = re.sub(
    r"\s", "", (REPOSITORY / "resources/novels/ban-jin-du.txt").read_text(encoding="utf-8")
)

SENTENCE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
SLOT = re.compile(
    r"^(pair_\d+)：上文 (\d+) 到 (\d+) 字，下文 (\d+) 到 (\d+) 字；completion_first 只能取 ([\d、]+)。$",
    re.MULTILINE,
)
WRITTEN = re.compile(
    r"^(pair_\d+)：上文 (\d+) 到 (\d+) 字，下文 (\d+) 到 (\d+) 字。$", re.MULTILINE
)
CUT = re.compile(r"^(pair_\d+)：([\d、]+)$", re.MULTILINE)
PAIR = re.compile(r"<上文>\n(.*?)\n</上文>\n<下文>\n(.*?)\n</下文>", re.DOTALL)

PASSAGE = re.compile(r"<片段>\n(.*?)\n</片段>", re.DOTALL)


def answer(body: dict) -> str:
    """Content of the completion for a request body: the generator's or the judge's JSON."""
    asked = body["messages"][1]["content"]
    if slots := SLOT.findall(asked):
        found = _choose(asked, slots)
    elif slots := WRITTEN.findall(asked):
        found = _write(asked, slots)
    elif slots := CUT.findall(asked):
        found = {name: int(cuts.split("、")[0]) for name, cuts in slots}
    elif passage := PASSAGE.search(asked):
        found = _sketch(passage[1])
    else:
        found = _mark(asked)
    return json.dumps(found, ensure_ascii=False)


def _choose(asked: str, slots: list[tuple]) -> dict:
    # A sentence's line has lost the white space around it, at least a character where a paragraph ends.
    lengths = [len(sentence) for _, sentence in SENTENCE.findall(asked)]
    found = {}
    for name, *bounds, cuts in slots:
        prompt_min, prompt_max, completion_min, completion_max = map(int, bounds)
        cut = int(cuts.split("、")[0])
        first = _reach(range(cut - 1, 0, -1), lengths, (prompt_min + prompt_max) / 2)
        last = _reach(range(cut, len(lengths) + 1), lengths, (completion_min + completion_max) / 2)
        found[name] = {
            "why": "情节在此转折",
            "prompt_first": first,
            "completion_first": cut,
            "completion_last": last,
        }
    return found


def _write(asked: str, slots: list[tuple]) -> dict:
    """The passage's first sentences as prompt, the next ones as completion, with an end of its own."""
    passage = "".join(sentence for _, sentence in SENTENCE.findall(asked))
    found = {}
    for name, *bounds in slots:
        prompt_min, prompt_max, completion_min, _ = map(int, bounds)
        edge = (prompt_min + prompt_max) // 2
        completion = passage[edge : edge + completion_min]
        found[name] = {
            "prompt": passage[:edge],
            "completion": f"{completion}他后来再也没有提起过这件事情。",
        }
    return found


def _sketch(passage: str) -> dict:
    """Every seventh character; of a passage without a comma it says nothing that can be used."""
    said = re.sub(r"\W", "", passage)[::7][:30]
    return {"sentence": f"这里说的是{said}的事。" if "，" in passage else "【】" * 4}


def _reach(numbers: range, lengths: list[int], wanted: float) -> int:
    """The sentence at which a run of sentences reaches a length."""
    total = 0
    for number in numbers:
        total += lengths[number - 1]
        if total >= wanted:
            break
    return number


def _mark(asked: str) -> dict:
    """High marks where the sample novel goes on from the prompt as the completion begins."""
    prompt, completion = (re.sub(r"\s", "", part) for part in PAIR.search(asked).groups())
    true = prompt[-20:] + completion[:20] in NOVEL
    return {
        "reason": "相接" if true else "不相接",
        "follows": 9 if true else 2,
        "complete": 8,
        "style": 8,
        "clean": 9,
    }
