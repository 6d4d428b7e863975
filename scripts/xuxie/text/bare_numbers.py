"""Which numbers that stand alone on their lines count the chapters, and which are lists, years and the like."""

from bisect import bisect_right
from itertools import zip_longest
from statistics import median

from xuxie.text.headings import HeadingLine

# So many at least, or they are a list.
_FEWEST = 3

# After fewer than these a 1 begins no new part: it is a list, or a page's number.
_FEWEST_OF_A_PART = 5

# What follows a gap, begins anew or stands within volumes could be a list in the text: chapters have this many characters.
_SHORTEST_CHAPTER = 300

# A number that is further ahead is a year, or of a page.
_MOST_MISSING = 100


def counting(text: str, lines: list[HeadingLine]) -> list[HeadingLine]:
    """The bare numbers that are headings: they count up from 1, or from a little higher, anew in a volume or a part.

    Args:
        lines: the lines of the text in the form of a heading, of which no other counts chapters.
    """
    bare = [
        line
        for line, following in zip_longest(lines, lines[1:])
        if line.heading.kind == "bare" and not _lists(text, line, following)
    ]
    others = [line for line in lines if line.heading.kind != "bare"]
    taken = _in_order(text, bare, others)
    in_volumes = any(line.heading.kind == "volume" for line in others)
    if len(taken) < _FEWEST or (in_volumes and not _hold_the_text(text, taken, others)):
        return []
    return taken


def _lists(text: str, line: HeadingLine, following: HeadingLine | None) -> bool:
    """Whether nothing stands between a number and the next one, as in a list."""
    return (
        following is not None
        and following.heading.kind == "bare"
        and following.heading.number == (line.heading.number or 0) + 1
        and not text[line.end : following.start].strip()
    )


class _Numbers:
    """The numbers in the order of the text, and what follows each.

    Attributes:
        lines: the lines that they stand on; the place of a number is its index there.
    """

    def __init__(self, lines: list[HeadingLine]) -> None:
        self.lines = lines
        self._places: dict[int, list[int]] = {}
        for place, line in enumerate(lines):
            self._places.setdefault(line.heading.number or 0, []).append(place)

    def ahead(self, number: int, place: int) -> int | None:
        """The next place of a number after a place."""
        places = self._places.get(number, [])
        at = bisect_right(places, place)
        return places[at] if at < len(places) else None

    def lead_on(self, place: int, steps: int) -> bool:
        """Whether so many numbers follow, each a chapter's length behind the one before."""
        for _ in range(steps):
            line = self.lines[place]
            following = self.ahead((line.heading.number or 0) + 1, place)
            if following is None or self.lines[following].start - line.end < _SHORTEST_CHAPTER:
                return False
            place = following
        return True

    def after_a_gap(self, place: int, last: int) -> bool:
        """Whether the count goes on here, though the number after the last is missing."""
        missing, anew = self.ahead(last + 1, place), self.ahead(1, place)
        to_come = missing is not None and (anew is None or missing <= anew)
        far = (self.lines[place].heading.number or 0) - last > _MOST_MISSING
        return not far and not to_come and self.lead_on(place, 1)

    def anew(self, place: int, last: int) -> bool:
        """Whether the 1 that stands here begins another part."""
        # Where the old count goes on, the new one must have come as far, or it is a list within a chapter.
        goes_on, reached = self.ahead(last + 1, place), place
        if goes_on is not None:
            for number in range(2, last + 1):
                following = self.ahead(number, reached)
                if following is None or following > goes_on:
                    return False
                reached = following
        return last >= _FEWEST_OF_A_PART and self.lead_on(place, 2)


def _in_order(text: str, bare: list[HeadingLine], others: list[HeadingLine]) -> list[HeadingLine]:
    """Those that go on from each other, over gaps and from one volume or part to the next."""
    numbers = _Numbers(bare)
    taken: list[HeadingLine] = []
    last = 0
    for place, line in enumerate(bare):
        number = line.heading.number or 0
        goes_on = number == last + 1
        if number == 1 and not goes_on:
            # The headings between the last number and this one.
            under = others[_after(others, taken[-1]) : _after(others, line)]
            if any(other.heading.kind == "volume" for other in under):
                first = not text[under[-1].end : line.start].strip()
                goes_on = first or numbers.lead_on(place, 1)
            elif not under:
                goes_on = numbers.anew(place, last)
        elif number > last:
            goes_on = goes_on or numbers.after_a_gap(place, last)
        if goes_on:
            taken.append(line)
            last = number
    return taken


def _after(lines: list[HeadingLine], line: HeadingLine) -> int:
    return bisect_right(lines, line.start, key=lambda other: other.start)


def _hold_the_text(text: str, taken: list[HeadingLine], others: list[HeadingLine]) -> bool:
    """Whether most of the text stands under these headings, and in lengths of chapters."""
    bounds = sorted([line.start for line in [*taken, *others]] + [len(text)])
    lengths = [bounds[bisect_right(bounds, line.start)] - line.end for line in taken]
    return 2 * sum(lengths) > len(text) and median(lengths) >= _SHORTEST_CHAPTER
