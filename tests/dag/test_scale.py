"""Many novels: the graph grows in step with the text, and planning reads none of it."""

import json
import subprocess
import sys

from workspace import Workspace, jobs

#: Reports every file that is opened while snakemake plans.
WATCH = """
import json, os, runpy, sys
seen = set()
sys.addaudithook(lambda event, args: seen.add(os.path.abspath(args[0])) if event == "open" and isinstance(args[0], str) else None)
report, sys.argv = sys.argv[1], ["snakemake", *sys.argv[2:]]
try:
    runpy.run_module("snakemake", run_name="__main__")
finally:
    json.dump(sorted(seen), open(report, "w"))
"""


def many(folder, sizes: dict[str, int], shard_bytes: int = 1000) -> Workspace:
    """A workspace of novels of these sizes, in bytes, with an adapter for each ten of them."""
    workspace = Workspace(folder)
    names = list(sizes)
    shelves = {
        f"shelf-{start}": {"novels": names[start : start + 10]}
        for start in range(0, len(names), 10)
    }
    workspace.configure(
        {
            "novels": {name: {"path": f"novels/{name}.txt"} for name in names},
            "pairs": {"generator": "provider", "scorers": ["judge"], "shard_bytes": shard_bytes},
            "endpoints": {
                "provider": {
                    "base_url": "http://127.0.0.1:9/v1",
                    "model": "reader",
                    "api_key_env": "PROVIDER_API_KEY",
                }
            },
            "scorers": {"judge": {"method": "judge", "endpoint": "provider"}},
            "models": {
                "base": {"source": "embedded", "name": "qwen2.5-coder-0.5b", "template": "qwen"}
            },
            "datasets": shelves,
            "adapters": {name: {"dataset": name, "model": "base"} for name in shelves},
        }
    )
    (folder / "novels").mkdir()
    for name, size in sizes.items():
        with open(folder / f"novels/{name}.txt", "wb") as file:
            file.truncate(size)
    return workspace


def test_the_graph_grows_in_step_with_the_novels(tmp_path):
    small, large = (
        jobs(
            many(tmp_path / str(count), {f"novel-{index}": 3_500 for index in range(count)})
            .plan()
            .stdout
        )
        for count in (10, 40)
    )
    per_novel = {
        "normalise_text": 1,
        "find_chapters": 1,
        "cut_chunks": 1,
        "generate_pairs": 4,
        "score_by_judge": 4,
        "gather_pairs": 1,
    }
    per_adapter = {
        "build_dataset",
        "examine_metrics",
        "check_ledger",
        "render_training",
        "fit_rows",
        "check_gates",
        "train_adapter",
        "join_stages",
        "sample_outputs",
        "evaluate_adapter",
    }
    once = {"fetch_model", "convert_model", "write_report", "all"}
    assert {rule: small[rule] for rule in per_novel} == {
        rule: 10 * count for rule, count in per_novel.items()
    }
    assert {rule: large[rule] for rule in per_novel} == {
        rule: 40 * count for rule, count in per_novel.items()
    }
    assert set(small) == {*per_novel, *per_adapter, *once, "total"}
    # Several adapters of one model read each other's passages, all of them in one job.
    assert set(large) == {*small, "attribute_passages"} and large["attribute_passages"] == 1
    assert {small[rule] for rule in per_adapter} == {1} and {
        large[rule] for rule in per_adapter
    } == {4}
    assert {small[rule] for rule in once} == {large[rule] for rule in once} == {1}


def test_shards_follow_the_size_of_the_text(tmp_path):
    sizes = {"shortest": 1, "short": 400, "exact": 1000, "more": 1001, "long": 25_000}
    planned = many(tmp_path, sizes).plan().stdout
    shards = {name: planned.count(f"results/novels/{name}/shards/") for name in sizes}
    assert jobs(planned)["generate_pairs"] == 1 + 1 + 1 + 2 + 25
    assert (
        shards["long"]
        > 10 * shards["more"]
        > 10 * shards["short"]
        == 10 * shards["shortest"]
        == 10 * shards["exact"]
    )


def test_planning_opens_no_novel(tmp_path):
    workspace = many(tmp_path / "work", {f"novel-{index}": 5000 for index in range(3)})
    report = tmp_path / "opened.json"
    arguments = workspace.command("-n")[3:]
    subprocess.run(
        [sys.executable, "-c", WATCH, str(report), *arguments],
        cwd=workspace.folder,
        check=True,
        capture_output=True,
    )
    opened = json.loads(report.read_text())
    assert str(workspace / "config.yaml") in opened
    assert not [path for path in opened if path.startswith(str(workspace / "novels"))]
