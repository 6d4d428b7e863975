"""The package's rooms import each other as the map in CONTRIBUTING.md says."""

import ast

from workspace import REPOSITORY

STORY = ("text", "pairs", "dataset", "training", "sampling", "evaluation", "report")
AT_THE_END = {"export", "chat", "blind"}
BELOW = {"overlap", "llm", "prompts", "models", "files", "runtime"}
#: It runs the whole story, batch by batch.
ABOVE = "batches"
PACKAGE = REPOSITORY / "scripts/xuxie"


def imports() -> set[tuple[str, str]]:
    """(room, room that it imports from)"""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("xuxie."):
                found.add((room, node.module.split(".")[1]))
    return {(room, other) for room, other in found if room != other}


def test_no_stage_imports_a_later_one_and_nothing_below_a_stage():
    stages = {*STORY, *AT_THE_END}
    place = {room: number for number, room in enumerate(STORY)} | dict.fromkeys(
        AT_THE_END, len(STORY)
    )
    found = imports()
    assert len(found) > 20
    assert {pair for pair in found if pair[0] in BELOW and pair[1] in stages} == set()
    assert {
        (room, other)
        for room, other in found
        if {room, other} <= stages and place[other] > place[room]
    } == set()


def test_nothing_imports_what_runs_the_whole_story():
    assert {room for room, other in imports() if other == ABOVE} == set()


def test_every_room_is_on_the_map():
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms == {*STORY, *AT_THE_END, *BELOW, ABOVE, "config"}
