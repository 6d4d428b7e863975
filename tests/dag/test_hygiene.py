"""Every rule is complete and named after what it does, and the drawing of the rules is that of the rules."""

import importlib.util
import re
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import OutputSettings, ResourceSettings
from workspace import REPOSITORY

RULE_FILES = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").glob("*.smk"))]
assert len(RULE_FILES) > 8


@pytest.fixture(scope="module")
def rules():
    """The rules, as Snakemake understands them."""
    with SnakemakeApi(OutputSettings(quiet={"all"})) as api, pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            snakefile=REPOSITORY / "Snakefile",
            workdir=REPOSITORY,
        )
        found = [rule for rule in workflow._workflow.rules if not rule.norun]
        assert len(found) > 15
        yield found


def test_every_rule_is_complete(rules):
    for rule in rules:
        assert rule.docstring, f"{rule.name} has no docstring"
        assert rule.log, f"{rule.name} has no log"
        assert rule.benchmark or not rule.output, f"{rule.name} has no benchmark"
        assert rule.conda_env, f"{rule.name} has no environment"
        assert {"_cores", "mem_mb", "runtime"} <= set(rule.resources), (
            f"{rule.name} does not say what it needs"
        )


def test_a_rule_its_script_its_logs_and_its_benchmarks_share_a_name(rules):
    for rule in rules:
        assert Path(str(rule.script)).stem == rule.name
        assert (REPOSITORY / "scripts" / f"{rule.name}.py").exists()
        assert all(str(log).startswith(f"logs/{rule.name}") for log in rule.log)
        assert not rule.output or str(rule.benchmark).startswith(f"benchmarks/results/{rule.name}")


def test_inputs_and_outputs_have_names(rules):
    for rule in rules:
        for files in (rule.input, rule.output):
            named = sum(1 if end is None else end - start for _, (start, end) in files._get_names())
            assert named == len(files), f"{rule.name} has files without a name"


def test_no_rule_looks_through_the_whole_config():
    """`lookup` walks through every entry at each call: time grows with the square of the number of novels."""
    for path in RULE_FILES:
        assert not re.search(r"\blookup\(", path.read_text(encoding="utf-8")), path.name


def test_no_rule_knows_a_partition_an_account_or_a_gpu_model():
    for path in RULE_FILES:
        assert not re.search(r"slurm_|gpu_model|partition", path.read_text(encoding="utf-8")), (
            path.name
        )


def test_the_drawing_in_the_readmes_is_current():
    spec = importlib.util.spec_from_file_location(
        "rule_graph", REPOSITORY / "resources/rule_graph.py"
    )
    rule_graph = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rule_graph)
    drawn = rule_graph.draw()
    for name in ("README.md", "README.zh-CN.md"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert rule_graph.PLACE.search(text), f"{name} has no place for the drawing"
        assert drawn in text, f"{name}: run `python resources/rule_graph.py`"
