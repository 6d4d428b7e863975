"""Every fixture is a file with one nastiness; the text, the chapters and the chunks that must come of it."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from cut_chunks import cut_chunks
from find_chapters import find_chapters
from normalise_text import normalise_text
from text_case import STEPS
from xuxie.errors import UserError
from xuxie.files.rows import read_json, read_rows
from xuxie.text.sources import reading_order

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/fixtures/text"
CASES = yaml.safe_load((FIXTURES / "cases.yaml").read_text(encoding="utf-8"))


def novel(folder, file, options):
    """Run the three rules' functions on a fixture; return text, counts, chapters, findings and chunks."""
    path = FIXTURES / file
    files = reading_order([str(part) for part in path.iterdir()]) if path.is_dir() else str(path)
    paths = {
        name: str(folder / name)
        for name in (
            "text.txt",
            "text.json",
            "map.jsonl",
            "chapters.jsonl",
            "chapters.json",
            "chunks.jsonl",
        )
    }
    normalise_text(
        files,
        str(ROOT / "resources/watermarks.txt"),
        paths["text.txt"],
        paths["text.json"],
        paths["map.jsonl"],
        encoding=options.get("encoding", "auto"),
        on_bad_bytes=options.get("on_bad_bytes", "error"),
        language=options.get("language", "zh"),
        more_watermarks=options.get("watermarks", []),
        steps=STEPS | options.get("normalise", {}),
    )
    pattern, scene_size = options.get("chapter_pattern"), options.get("scene_size", 4000)
    find_chapters(
        paths["text.txt"],
        paths["text.json"],
        paths["chapters.jsonl"],
        paths["chapters.json"],
        pattern=pattern,
        scene_size=scene_size,
    )
    cut_chunks(
        paths["text.txt"], paths["chapters.jsonl"], paths["chunks.jsonl"], novel="n", size=200
    )
    text = Path(paths["text.txt"]).read_bytes().decode("utf-8")
    chapters, chunks = (
        list(read_rows(paths["chapters.jsonl"])),
        list(read_rows(paths["chunks.jsonl"])),
    )
    return text, read_json(paths["text.json"]), chapters, read_json(paths["chapters.json"]), chunks


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_case(case, tmp_path):
    if "error" in case:
        with pytest.raises(UserError) as raised:
            novel(tmp_path, case["file"], case.get("options", {}))
        for words in case["error"]:
            assert words in str(raised.value)
        return
    text, counts, chapters, findings, chunks = novel(
        tmp_path, case["file"], case.get("options", {})
    )
    if "text" in case:
        assert text == case["text"]
    if "encoding" in case:
        assert counts["sources"][0]["encoding"] == case["encoding"]
    for words in case.get("contains", []):
        assert words in text
    for words in case.get("lacks", []):
        assert words not in text
    for step, expected in case.get("counts", {}).items():
        assert {name: counts["steps"][step][name] for name in expected} == expected
    if "chapters" in case:
        assert [
            [chapter["kind"], chapter["number"], chapter["title"]] for chapter in chapters
        ] == case["chapters"]
    if "volumes" in case:
        assert [chapter["volume"] for chapter in chapters] == case["volumes"]
    for name, number in case.get("findings", {}).items():
        assert len(findings[name]) == number, findings[name]
    if "scenes" in case:
        assert {chapter["kind"] for chapter in chapters} == {"scene"} and "no headings" in findings[
            "note"
        ]
        assert max(chapter["end"] - chapter["start"] for chapter in chapters) <= case["scenes"]
    assert_sound(text, counts, chapters, findings, chunks)


def assert_sound(text, counts, chapters, findings, chunks):
    """What holds for every novel."""
    assert "\ufffd" not in text and "\r" not in text and text.endswith("\n")
    totals = counts["characters"]
    assert totals["decoded"] + totals["added"] - totals["removed"] == totals["kept"] == len(text)
    account = dict(findings["characters"])
    assert account.pop("text") == len(text) == sum(account.values())
    assert chapters and chunks
    assert all(before["end"] <= after["start"] for before, after in pairwise(chapters))
    for number, chapter in enumerate(chapters, 1):
        own = [chunk for chunk in chunks if chunk["chapter"] == number]
        assert "".join(chunk["text"] for chunk in own) == text[chapter["start"] : chapter["end"]]
        assert all(
            chunk["text"] == text[chunk["start"] : chunk["end"]] and len(chunk["text"]) <= 200
            for chunk in own
        )
        assert [chunk["start"] for chunk in own] == [
            chapter["start"],
            *(chunk["end"] for chunk in own[:-1]),
        ]


def test_every_file_is_used():
    used = {case["file"] for case in CASES}
    assert {path.name for path in FIXTURES.iterdir()} - {"cases.yaml", ".gitattributes"} == used
