"""What the code imports is declared, and what is declared is imported, or says why it is there."""

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions

from workspace import REPOSITORY

WORK = ("workflow", "text", "llm", "train", "report")

#: Declared and imported by no line of ours.
FOR_OTHERS = {
    "llamafactory": "imported by name, once torchaudio has a stand-in: xuxie.runtime.llamafactory",
    "accelerate": "transformers' trainer needs it, in a release that LLaMA-Factory takes",
    "datasets": "LLaMA-Factory reads rows with it, in a release that it takes",
    "trl": "LLaMA-Factory imports it, in a release that it takes",
    "scipy": "scikit-learn needs it, and tests compare with it",
    "scikit-learn": "classifiers that tell one writer from another",
}
TOOLS = {
    "mypy": "make lint",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "make lint",
    "snakefmt": "make lint",
    "snakemake-executor-plugin-cluster-generic": "profiles/pbs",
    "snakemake-executor-plugin-slurm": "profiles/slurm",
    "snakemake-storage-plugin-s3": "config key `store`",
    "types-jsonschema": "make lint",
    "types-pyyaml": "make lint",
    "uv": "make lock",
}
#: Imported where a user has it, and missed by nobody else.
OPTIONAL = {"modelscope": "models from ModelScope, for whoever chooses them"}


def canonical(name: str) -> str:
    """A distribution's name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*kinds: str) -> set[str]:
    """The distributions that environments ask for by hand."""
    lines = (
        line
        for kind in kinds
        for line in (REPOSITORY / f"envs/{kind}.in").read_text(encoding="utf-8").splitlines()
    )
    return {
        canonical(re.split(r"[\[=<>; ]", line)[0])
        for line in lines
        if line and not line.startswith(("#", "-r"))
    }


@cache
def imported(*folders: str) -> set[str]:
    """The distributions whose modules files in these folders import, at any depth."""
    files = [path for folder in folders for path in (REPOSITORY / folder).rglob("*.py")]
    assert len(files) > 20
    modules = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                modules.add(node.module.partition(".")[0])
    own = {
        path.stem
        for top in ("scripts", "tests", "benchmarks/names")
        for path in (REPOSITORY / top).iterdir()
    }
    distributions = packages_distributions()
    return {
        canonical(distributions.get(module, [module])[0])
        for module in modules - own - sys.stdlib_module_names
    }


def test_what_the_scripts_import_is_declared():
    assert imported("scripts") - declared(*WORK) - OPTIONAL.keys() == set()


def test_what_is_declared_is_imported_or_says_why():
    assert declared(*WORK) - imported("scripts") - FOR_OTHERS.keys() == set()
    assert FOR_OTHERS.keys() <= declared(*WORK), "a reason for what is not declared"
    assert declared("dev") - imported("tests") - TOOLS.keys() == set()
    assert TOOLS.keys() <= declared("dev"), "a reason for what is not declared"


def test_what_the_tests_import_is_declared():
    assert imported("tests") - declared(*WORK, "dev") == set()
