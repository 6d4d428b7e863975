"""Places that a Chinese novel names.

What is a place is a guess from structure: a word that ends as places do (渡, 府, 怡红院, 秤房), and that stands again and again
behind a word of going or being (在, 到, 往, 进, ...).
"""

import re
from collections import Counter

_ENDINGS = "渡口 码头 客栈 衙门 渡 镇 村 庄 城 府 院 园 楼 阁 山 寺 庙 庵 观 桥 街 巷 店 铺 馆 县 州 河 江 湖 岛 港 站 宫 殿 营 寨 关 谷 林 洞 亭 堂 房 屋 宅 岭 坡 滩 湾 洲"
_NOT_FIRST = "到至入了回去来进出过劫取袭上下这那此其自他她我你它几一两三各本大小某"
"""No place's name begins with these: they belong to the verb, or say which of many."""

_OFTEN = 3


def places_of(text: str) -> list[str]:
    """The places that somebody in the text goes to, or is at, three times or more; the commonest first."""
    return [
        place for place, count in Counter(_PLACE.findall(text)).most_common() if count >= _OFTEN
    ]


def _pattern() -> re.Pattern:
    ending = f"(?:{'|'.join(_ENDINGS.split())})"
    going = "(?:[在到往回进去离出过入奔至投]|来到|走进|[出到进过回]了)"
    # 桃花渡口 is longer than 桃花渡.
    return re.compile(
        rf"{going}((?![{_NOT_FIRST}])[\u4e00-\u9fff]{{1,3}}?{ending})(?![\u4e00-\u9fff]?{ending})"
    )


_PLACE = _pattern()
