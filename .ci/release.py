"""Release what the changelog calls unreleased: `make release VERSION=1.2.3`, on a clean tree.

Writes the version into CHANGELOG.md, pyproject.toml and CITATION.cff. Committing and tagging stay
with the person, who reads the difference first.
"""

import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADING = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)
UNRELEASED = "## [Unreleased]\n"


def newest(changelog: str) -> tuple[str, str]:
    """Version and date of the newest release in a changelog."""
    found = HEADING.search(changelog)
    if not found:
        raise ValueError("the changelog has no heading of a release: ## [1.2.3] - 2026-01-31")
    return found[1], found[2]


def released(changelog: str, version: str, date: str) -> str:
    """The changelog with what was unreleased under a heading of its own.

    Raises:
        ValueError: nothing is unreleased, or the version is not above the newest one.
    """
    head, rest = changelog.split(UNRELEASED)
    following = HEADING.search(rest)
    if not rest[: following.start() if following else None].strip():
        raise ValueError("nothing in the changelog is unreleased")
    if following and _numbers(version) <= _numbers(following[1]):
        raise ValueError(f"{version} is not above {following[1]}")
    return f"{head}{UNRELEASED}\n## [{version}] - {date}\n{rest}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _rewrite(file: str, pattern: str, line: str) -> None:
    path = ROOT / file
    text, count = re.subn(pattern, line, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"{file} has {count} lines like {pattern}")
    path.write_text(text, encoding="utf-8")


def main(version: str) -> None:
    """Write a release into the three files that name one."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"{version!r} is no version: three numbers, as SemVer has them")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    changelog = ROOT / "CHANGELOG.md"
    text = released(changelog.read_text(encoding="utf-8"), version, date)
    changelog.write_text(text, encoding="utf-8")
    _rewrite("pyproject.toml", r'^version = ".*"$', f'version = "{version}"')
    _rewrite("CITATION.cff", r"^version: .*$", f"version: {version}")
    _rewrite("CITATION.cff", r"^date-released: .*$", f"date-released: {date}")
    print(f"read `git diff`, then: git commit -am 'Release {version}' && git tag v{version}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except ValueError as error:
        sys.exit(str(error))
