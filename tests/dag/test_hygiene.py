"""Every rule is complete and named after what it does, and the drawing of the rules is that of the rules."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.iocontainers import Wildcards
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings
from workspace import REPOSITORY

RULE_FILES = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").glob("*.smk"))]
assert len(RULE_FILES) > 8


#: Has the rules that only some configurations have.
EVERYTHING = {
    "endpoints": {"far": {"base_url": "http://127.0.0.1:9/v1", "model": "reader"}},
    "sampling": {"systems": ["base", "tuned", "far"]},
    "evaluation": {"judge": "far", "paraphraser": "far"},
}


@contextmanager
def rules_of(config: dict) -> Iterator[list]:
    """The rules, as Snakemake understands them, with these changes of the configuration."""
    with SnakemakeApi(OutputSettings(quiet={"all"})) as api, pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=config),
            snakefile=REPOSITORY / "Snakefile",
            workdir=REPOSITORY,
        )
        found = [rule for rule in workflow._workflow.rules if not rule.norun]
        assert len(found) > 15
        yield found


@pytest.fixture(scope="module")
def rules():
    with rules_of(EVERYTHING) as found:
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


def test_every_rule_that_asks_an_endpoint_counts_against_the_bound_of_such_jobs(rules):
    ask = [rule for rule in rules if takes_endpoints(rule.name) and rule.name != "estimate"]
    assert len(ask) > 5
    for rule in ask:
        assert rule.resources.get("llm") == 1, f"{rule.name} asks an endpoint without `llm=1`"


def test_sampling_counts_only_where_a_rival_is_an_endpoint():
    with rules_of({}) as rules:
        sampling = next(rule for rule in rules if rule.name == "sample_outputs")
        assert sampling.resources["llm"] == 0


def takes_endpoints(rule: str) -> bool:
    """Whether a rule's function is handed the endpoints of the configuration."""
    script = ast.parse((REPOSITORY / f"scripts/{rule}.py").read_text(encoding="utf-8"))
    functions = [node for node in script.body if isinstance(node, ast.FunctionDef)]
    return any(
        argument.arg == "endpoints"
        for function in functions
        if function.name == rule
        for argument in function.args.kwonlyargs
    )


def test_inputs_and_outputs_have_names(rules):
    for rule in rules:
        for files in (rule.input, rule.output):
            named = sum(1 if end is None else end - start for _, (start, end) in files._get_names())
            assert named == len(files), f"{rule.name} has files without a name"


@pytest.mark.parametrize(
    "changed, unmoved",
    [
        ({"evaluation": {"attributed": 7, "judged": 7, "seed": 7}}, {"evaluate_adapter"}),
        (
            {"sampling": {"prompts": 7, "drafts": 2, "systems": ["tuned"], "target_chars": 700}},
            {"merge_adapter", "write_modelfile", "write_model_card", "compare_decodings"},
        ),
        ({"sampling": {"penalty_window": 7, "dry_multiplier": 0.7}}, {"merge_adapter"}),
    ],
)
def test_what_a_rule_does_not_follow_runs_it_for_nothing(changed, unmoved):
    """A param that changes runs the rule again, and all that is made from what it makes."""
    params = []
    for config in ({}, changed):
        with rules_of(config) as found:
            params.append({rule.name: values_of(rule) for rule in found if rule.name in unmoved})
    assert params[0].keys() == unmoved
    assert params[0] == params[1]


def values_of(rule) -> dict:
    """The params of a rule that are the same for all its jobs."""
    return {name: value for name, value in rule.params.items() if not callable(value)}


def test_ways_of_drawing_are_compared_in_the_environment_of_each_adapters_model():
    """Where all models share one it has a plain name, as --containerize wants it of a rule on demand."""
    embedded = "qwen2.5-coder-0.5b"
    large = {"source": "hub", "name": "some/large", "template": "qwen", "environment": "gpu"}
    several = {
        "models": {"large": large},
        "adapters": {
            name: {"model": model, "dataset": "ban-jin-du"}
            for name, model in (("plain", embedded), ("quantised", "large"))
        },
    }
    assert environment_of_compare_decodings({}) == "../envs/train.yaml"
    on_gpu = {"models": {embedded: {"environment": "gpu"}}}
    assert environment_of_compare_decodings(on_gpu) == "../envs/gpu.yaml"
    environment = environment_of_compare_decodings(several)
    for adapter, name in (("plain", "train"), ("quantised", "gpu")):
        assert environment(Wildcards(fromdict={"adapter": adapter})) == f"../envs/{name}.yaml"


def environment_of_compare_decodings(config: dict):
    with rules_of(config) as found:
        return next(rule for rule in found if rule.name == "compare_decodings").conda_env


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
