"""Whether a text reads as a language: the check that catches wrong encodings and wrong files."""

import re

from xuxie.text.han import is_han

# The characters that make up about half of any Chinese text, old or new, in both scripts.
_COMMON_HAN = frozenset(
    "的一是不了在人有我他這这個个們们中來来上大為为和國国地到以說说時时要就出會会可也你對对生能而子那得於于著着下自之年過过發发後后作裡里"
    "用道行所然家種种事成方多經经麼么去法學学如都同現现當当沒没動动面起看定天分還还進进好小部其些主樣样理心她本前開开但因只從从想實实日"
    "軍军者意無无力它與与長长把機机十民第公此已工使情明性知全三又關关點点正業业外將将兩两高間间由問问很最重並并物手應应向頭头文體体見见"
    "聽听曰何此乃吾不笑老回眼走氣气身話话叫給给打讓让女什誰谁門门白水太爺爷姐王馬马兵城至今遂既若亦非皆豈岂"
)
_COMMON_ENGLISH = frozenset(
    "the of and to a in i that it he was you his is for with as had but not she at on her be have they him my this".split()
)
# Beside ASCII, English text has these marks, and letters of Latin-1; where Chinese is quoted, its marks too.
_MARKS = re.compile(r"[‘’“”–—…•£€©®™«»½¼¾·×\u3000-\u303f\uff00-\uff60]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœ]{2,}|[Àà]")

# What share must be common, far below what real prose has (0.4 and more) and far above what garbled text has (below 0.03).
_LEAST_COMMON_HAN = 0.15
_LEAST_COMMON_ENGLISH = 0.12

# Passages of this many characters, from this many places of the text, stand for the whole.
_SAMPLE, _PLACES = 2000, 12
# With fewer letters than this, shares of common characters mean nothing.
_TOO_SHORT = 100


def readability(text: str, language: str) -> float:
    """How far the text reads as the language, from 0 (not at all) to 1; 0.5 is just good enough.

    Args:
        language: zh, en, or any (the better of both).
    """
    sample = _sample(text)
    if language == "any":
        return max(_chinese(sample), _english(sample))
    return _chinese(sample) if language == "zh" else _english(sample)


def reads_as(text: str, language: str) -> bool:
    """Whether the text reads as the language; for a very short one only the script counts."""
    if language == "any" or readability(text, language) >= 0.5:
        return True
    letters = [character for character in text[:_SAMPLE] if character.isalpha()]
    if len(text) > _SAMPLE or len(letters) > _TOO_SHORT:
        return False
    own = sum(character.isascii() == (language == "en") for character in letters)
    return 2 * own >= len(letters)


def fitting(text: str) -> int:
    """How many of the characters beyond ASCII fit into English text.

    A letter of naïve, Élan or DÉJÀ does, and Chinese that stands by itself. What a wrong encoding makes of them mostly does
    not: na鴳e, cafÈ, donÕt.
    """
    count = len(_MARKS.findall(text))
    for word in re.findall(r"[^\W_]+", text):
        if not word.isascii() and (
            word.islower() or word.isupper() or word.istitle()
            if _LATIN_WORD.fullmatch(word)
            else all(map(is_han, word))
        ):
            count += sum(not character.isascii() for character in word)
    return count


def _sample(text: str) -> str:
    if len(text) <= _SAMPLE * _PLACES:
        return text
    step = (len(text) - _SAMPLE) // (_PLACES - 1)
    return "".join(text[place * step : place * step + _SAMPLE] for place in range(_PLACES))


def _chinese(text: str) -> float:
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return 0.0
    han = [character for character in letters if is_han(character)]
    common = sum(character in _COMMON_HAN for character in han) / max(len(han), 1)
    return min(len(han) / len(letters), common / _LEAST_COMMON_HAN / 2, 1.0)


def _english(text: str) -> float:
    words = re.findall(r"[^\W\d_]+", text.lower())
    ascii_share = sum(word.isascii() for word in words) / max(len(words), 1)
    common = sum(word in _COMMON_ENGLISH for word in words) / max(len(words), 1)
    return min(ascii_share, common / _LEAST_COMMON_ENGLISH / 2, 1.0)
