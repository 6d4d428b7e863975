"""Chapter numbers in the scripts that headings write them in."""

_DIGITS = {
    digit: value
    for value, digits in enumerate(
        (
            "〇零○Ｏ",
            "一壹",
            "二贰貳两兩",
            "三叁參",
            "四肆",
            "五伍",
            "六陆陸",
            "七柒",
            "八捌",
            "九玖",
        )
    )
    for digit in digits
}
_UNITS = {
    "十": 10,
    "拾": 10,
    "百": 100,
    "佰": 100,
    "千": 1000,
    "仟": 1000,
    "万": 10_000,
    "萬": 10_000,
}
_TENS = {"廿": 20, "卅": 30}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TEN_WORDS = {
    word: 10 * tens
    for tens, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}

CHINESE = "".join([*_DIGITS, *_UNITS, *_TENS])


def number(numeral: str) -> int | None:
    """Read a whole number: 120, 一百二十, 一二零, 廿三, XIV, twenty-one. None if it is no number.

    Both Chinese ways are read: with units (一百零二) and digit by digit (一零二).
    """
    numeral = "".join(numeral.split())
    if numeral.isdecimal():
        return int(numeral) if len(numeral) < 10 else None
    if numeral and all(character in CHINESE for character in numeral):
        return _chinese(numeral)
    if numeral and all(character in _ROMAN for character in numeral.upper()):
        return _roman(numeral.upper())
    return _english(numeral.lower())


def _chinese(numeral: str) -> int | None:
    if all(character in _DIGITS for character in numeral):
        return (
            int("".join(str(_DIGITS[character]) for character in numeral))
            if len(numeral) < 10
            else None
        )
    total = section = digit = 0
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _TENS:
            section += _TENS[character]
        elif _UNITS[character] == 10_000:
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section, digit = section + (digit or 1) * _UNITS[character], 0
    return total + section + digit


def _roman(numeral: str) -> int:
    values = [_ROMAN[letter] for letter in numeral]
    return sum(
        -value if value < following else value
        for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _english(numeral: str) -> int | None:
    if numeral in _WORDS:
        return _WORDS.index(numeral)
    for word, tens in _TEN_WORDS.items():
        rest = numeral.removeprefix(word).removeprefix("-")
        if numeral.startswith(word) and (not rest or rest in _WORDS[1:10]):
            return tens + (_WORDS.index(rest) if rest else 0)
    return None
