"""Names that the novel does not know.

What is a name is a guess: of jieba's tagger, taught with the names that the novel uses often, and kept if
the word is formed as a Chinese name is (family name first, or 老, 小, 阿 in front), so that titles and
common words that the tagger takes for names do not count. It misses given names that stand alone, and it errs
on human text as well: the figure is given for the true continuation too, against the same text.
"""

import logging
from collections import Counter
from collections.abc import Iterable

import jieba.posseg

from xuxie.text.han import is_han

jieba.setLogLevel(logging.WARNING)

# The commonest family names.
_FAMILY = set(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖萧田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫段"
    "雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲冉骆蓝路游辛靳管柴蒙"
    "鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂佟应臧闵苟邬边卞姬仇栾隋商刁沙荣巫寇桑郎甄丛虞敖巩佘池查麻苑迟邝封谈匡鞠荆冀"
)
_TWO_CHARACTER_FAMILY = set(
    "欧阳 司马 上官 诸葛 慕容 令狐 皇甫 尉迟 公孙 夏侯 东方 南宫 独孤 司徒 端木 轩辕 百里 宇文 长孙 西门".split()
)
_OFTEN = 3
_COMMON = 100
"""A word of two characters that jieba's dictionary counts so often is taken for a common one (冷汗, 明白, 石阶), whatever its tag."""

_LEARNT_FROM = 200_000


class NameFinder:
    """Finds names of people in Chinese text.

    Args:
        novel: the whole novel; names that occur three times or more are learnt from its first 200,000 characters.
    """

    def __init__(self, novel: str):
        self._tagger = jieba.posseg.POSTokenizer(jieba.Tokenizer())
        self.learnt: set[str] = set()
        counts = Counter(name for _, name in self.names(novel[:_LEARNT_FROM]))
        self.learnt = {name for name, count in counts.items() if count >= _OFTEN}
        for name in self.learnt:
            self._tagger.tokenizer.add_word(name, tag="nr")
            self._tagger.word_tag_tab[name] = "nr"

    def names(self, text: str) -> list[tuple[int, str]]:
        """(offset, name) of each name in the text, in order."""
        found, offset = [], 0
        for word, tag in self._tagger.cut(text):
            if tag.startswith("nr") and _formed_as_a_name(word) and not self._is_common(word):
                found.append((offset, word))
            offset += len(word)
        return found

    def unknown(self, text: str, known: str) -> list[tuple[int, str]]:
        """Those names of the text that do not occur in `known`."""
        return [(offset, name) for offset, name in self.names(text) if name not in known]

    def _is_common(self, word: str) -> bool:
        frequency = self._tagger.tokenizer.FREQ.get(word) or 0
        familiar = word[0] in "老小阿"
        return len(word) == 2 and not familiar and word not in self.learnt and frequency >= _COMMON


def _formed_as_a_name(word: str) -> bool:
    if not 2 <= len(word) <= 4 or not is_han(word) or word[0] == word[1]:
        return False
    familiar = word[0] in "老小" and word[1] in _FAMILY or word[0] == "阿"
    return familiar or word[0] in _FAMILY or word[:2] in _TWO_CHARACTER_FAMILY


def mostly_chinese(texts: Iterable[str]) -> bool:
    """Whether most letters are Chinese characters; names are looked for in no other text."""
    letters = [character for text in texts for character in text if character.isalpha()]
    return bool(letters) and sum(map(is_han, letters)) * 2 > len(letters)
