"""What a continuation can do wrong, done to the author's own passages.

Each corruption is a pure function of text and of the chance that it is handed, and gives a text no longer than the one that it was
given, so that length tells nothing. None says that this passage has nothing to be corrupted in that way.
"""

import random
import re
from collections.abc import Iterable, Sequence

from xuxie.text.sentences import bounds

# Common names of our days, which no novel is likely to share.
_COMMON_NAMES = (
    "王建国", "李秀英", "张志强", "刘桂兰", "陈晓东", "杨丽华", "赵卫东", "黄小燕", "周国强", "吴美玲", "徐文博", "孙玉梅",
)  # fmt: skip

# Turns of phrase of the old vernacular and of plain narrative, and what a schoolbook or a newspaper of our days has in their place.
_MODERN = {
    "如何": "怎么", "怎生": "怎么", "只见": "看到", "不曾": "没有", "方才": "刚才", "此时": "这时候", "如今": "现在", "今儿": "今天", "明儿": "明天",
    "昨儿": "昨天", "头一回": "第一次", "一回": "一次", "这一回": "这一次", "甚么": "什么", "吃茶": "喝茶", "吃酒": "喝酒", "晓得": "知道", "娘子": "太太",
    "大夫": "医生", "郎中": "医生", "掌柜": "经理", "铺子": "商店", "衙门": "政府", "银子": "钱", "铜板": "硬币", "学徒": "实习生", "师傅": "老师",
    "丫头": "女孩", "爹": "爸爸", "娘": "妈妈", "便": "就", "亦": "也", "皆": "都", "乃": "是", "罢": "吧", "矣": "了", "哩": "呢", "与": "和", "笑道": "笑着说",
    "问道": "问", "答道": "回答", "道：": "说：", "忙": "赶紧", "遂": "于是", "甚": "很", "此": "这", "何": "什么",
}  # fmt: skip
_OLD = re.compile("|".join(sorted(map(re.escape, _MODERN), key=len, reverse=True)))
_FEWEST_SUBSTITUTIONS = 3

_CLAUSE = re.compile(r"[^，、；：,;:]*[，、；：,;:]")


def shuffled(text: str, draw: random.Random) -> str | None:
    """Its sentences in another order; None for fewer than three."""
    sentences = _sentences(text)
    if len(set(sentences)) < 3:
        return None
    order = sentences
    while order == sentences:
        order = draw.sample(sentences, len(sentences))
    return "".join(order)


def joined(text: str, other: str) -> str | None:
    """Its first half, and then the second half of another passage; None where either has no sentence that begins near its middle."""
    start, end = _middle(text), _middle(other)
    if start is None or end is None:
        return None
    return (text[:start] + other[end:])[: len(text)]


def names_swapped(
    text: str, names: Iterable[tuple[int, str]], cast: Sequence[str], draw: random.Random
) -> str | None:
    """Each person takes the name of another one of the passage, or, being alone in it, of the novel.

    Args:
        names: (offset, name) of each name in the text.
        cast: the names that the novel uses.
    """
    names = list(names)
    present = list(dict.fromkeys(name for _, name in names))
    absent = [name for name in cast if name not in present]
    if len(present) == 1 and absent:
        present.append(draw.choice(absent))
    if len(present) < 2:
        return None
    return _renamed(text, names, dict(zip(present, present[1:] + present[:1], strict=True)))


def names_invented(
    text: str, names: Iterable[tuple[int, str]], novel: str, draw: random.Random
) -> str | None:
    """Each person takes a name that the novel does not know; None for a passage without names."""
    names = list(names)
    strange = [name for name in _COMMON_NAMES if name not in novel]
    present = list(dict.fromkeys(name for _, name in names))[: len(strange)]
    if not present:
        return None
    return _renamed(
        text, names, dict(zip(present, draw.sample(strange, len(present)), strict=True))
    )


def looping(text: str, draw: random.Random) -> str | None:
    """From some place in its middle third on it says the last sentence, or the last clause, again and again, as a collapsed model does."""
    ends = [end for end in bounds(text, 0, len(text))[1:] if 3 * end <= 2 * len(text)]
    late = [end for end in ends if 3 * end >= len(text)] or ends[-1:]
    if not late:
        return None
    end = draw.choice(late)
    said = text[max((edge for edge in [0, *ends] if edge < end)) : end]
    clauses = _CLAUSE.findall(said)
    again = draw.choice([said, clauses[-1]]) if clauses else said
    return (text[:end] + again * (len(text) // max(1, len(again)) + 1))[: len(text)]


def modern(text: str) -> str | None:
    """Old and plain turns of phrase replaced by those of our days; None where fewer than three occur."""
    changed, count = _OLD.subn(lambda found: _MODERN[found.group()], text)
    return changed[: len(text)] if count >= _FEWEST_SUBSTITUTIONS else None


def cut_off(text: str) -> str | None:
    """It ends in the middle of its last sentence; None where that has fewer than four characters."""
    last = _sentences(text)[-1:]
    return text[: -len(last[0]) // 2] if last and len(last[0].strip()) >= 4 else None


def excerpt(text: str, length: int, draw: random.Random) -> str | None:
    """A number of characters from where a sentence begins in a text; None where it has too few."""
    if len(text) <= 2 * length:
        return None
    near = draw.randrange(len(text) - 2 * length)
    start = bounds(text, near, near + length)[1:2]
    begin = start[0] if start else near
    return text[begin : begin + length]


def _sentences(text: str) -> list[str]:
    edges = bounds(text, 0, len(text))
    return [text[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def _middle(text: str) -> int | None:
    """Where the sentence begins that does so nearest to the middle; None if that is in the first or the last quarter."""
    edges = [edge for edge in bounds(text, 0, len(text)) if len(text) <= 4 * edge <= 3 * len(text)]
    return min(edges, key=lambda edge: abs(2 * edge - len(text)), default=None)


def _renamed(text: str, names: Iterable[tuple[int, str]], other: dict[str, str]) -> str:
    parts, at = [], 0
    for offset, name in names:
        parts += [text[at:offset], other.get(name, name)]
        at = offset + len(name)
    return "".join([*parts, text[at:]])[: len(text)]
