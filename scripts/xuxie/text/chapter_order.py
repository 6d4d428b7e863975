"""What is odd about the numbers of a novel's chapters: gaps, repetitions, disorder."""

from xuxie.text.structure import Chapter, Findings

_MOST_MISSING = 100_000

# A 1 that follows a number lower than this is a number used twice, and begins no new part.
_LEAST_OF_A_PART = 4


def note_order(chapters: list[Chapter], findings: Findings) -> None:
    """Report gaps, numbers used twice and disorder, part by part where numbers start anew."""
    parts: list[list[tuple[int, Chapter]]] = [[]]
    for chapter in chapters:
        if chapter.kind != "chapter" or chapter.number is None:
            continue
        if parts[-1] and chapter.number == 1:
            last_number, last = parts[-1][-1]
            if chapter.volume != last.volume or last_number >= _LEAST_OF_A_PART:
                parts.append([])
        parts[-1].append((chapter.number, chapter))
    for part in parts:
        present, highest = {number for number, _ in part}, 0
        counted: set[int] = set()
        for number, chapter in part:
            where = {"number": number, "title": chapter.title, "at": chapter.start}
            if number in counted:
                findings.repeated_numbers.append(where)
            elif number < highest:
                findings.out_of_order.append(where | {"after": highest})
            missing = [
                absent
                for absent in range(highest + 1, min(number, highest + _MOST_MISSING))
                if absent not in present
            ]
            if missing:
                findings.gaps.append(
                    {
                        "from": missing[0],
                        "to": number - 1,
                        "missing": number - highest - 1,
                        "at": chapter.start,
                    }
                )
            counted.add(number)
            highest = max(highest, number)
