"""A generated novel of any size: prose, speech, verse, headings, indents and adverts, the same for a seed."""

import random

_SUBJECTS = [
    "他",
    "她",
    "老人",
    "那个年轻的掌柜",
    "船上的人",
    "小顺子",
    "村里的先生",
    "两个赶路的客商",
]
_VERBS = [
    "站在门口看着",
    "想起了",
    "没有说起",
    "一直惦记着",
    "远远地望见",
    "从来不提",
    "慢慢地走过",
    "终于找到了",
]
_OBJECTS = [
    "河对岸的灯火",
    "去年冬天的那场雪",
    "桌上那封没有拆开的信",
    "父亲留下的旧怀表",
    "渡口边上的柳树",
    "墙上的影子",
    "城里的消息",
    "雨后的山路",
]
_ENDS = [
    "，心里忽然有些难过。",
    "，半天没有动。",
    "。",
    "，像是什么也没有发生过一样。",
    "！",
    "，谁也不知道是为什么……",
    "，天就快要黑了。",
    "？",
]
_SPEECH = [
    "“你怎么到现在才来？”{}问。",
    "{}说：“路上耽搁了，你别怪我。”",
    "“走吧。”{}低声道，“再晚就过不了河了。”",
    "“是。”“那就好。”{}点了点头。",
]


def novel(megabytes: float, seed: int = 7) -> bytes:
    """Generate about so many megabytes (10^6 bytes) of UTF-8, lines ended by CRLF and indented as websites do."""
    drawn = random.Random(seed)
    paragraphs = [_paragraph(drawn) for _ in range(20_000)]
    parts, size, chapter = [], 0, 0
    while size < megabytes * 1e6:
        chapter += 1
        body = drawn.choices(paragraphs, k=40)
        if chapter % 50 == 0:
            body.insert(20, "（本章未完，请点击下一页继续阅读）")
        part = (
            f"第{chapter}章 {drawn.choice(_OBJECTS)}\r\n\r\n"
            + "".join(f"　　{paragraph}\r\n" for paragraph in body)
            + "\r\n"
        )
        parts.append(part.encode())
        size += len(parts[-1])
    return b"".join(parts)


def _paragraph(drawn: random.Random) -> str:
    if drawn.random() < 0.35:
        return drawn.choice(_SPEECH).format(drawn.choice(_SUBJECTS))
    return "".join(
        "".join(map(drawn.choice, (_SUBJECTS, _VERBS, _OBJECTS, _ENDS)))
        for _ in range(drawn.randint(1, 7))
    )
