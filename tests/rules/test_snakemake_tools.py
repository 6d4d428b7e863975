"""What Snakemake offers to a run that was made: its report, a container, and generated unit tests."""

import json
import re
import shutil
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
from jinja2 import Template
from roles import KEY
from workspace import REPOSITORY, run_in

#: Answers what Snakemake asks of conda before it looks at an environment; nothing is installed with it.
CONDA = """#!/bin/sh
case "$*" in
    *info*) echo '{"conda_prefix": "/", "conda_version": "25.1.0", "platform": "linux-64"}' ;;
    *--version*) echo 'conda 25.1.0' ;;
    *channel_priority*) echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""


@pytest.fixture(scope="module")
def packed(walked, tmp_path_factory):
    """Snakemake's own report, unpacked."""
    path = tmp_path_factory.mktemp("report") / "report.zip"
    walked.snakemake("--report", str(path))
    with ZipFile(path) as archive:
        archive.extractall(path.parent)
    return next(path.parent.glob("*/report.html")).parent


def told(packed, what: str) -> dict:
    """What the page knows of its results or its categories, by path and by name."""
    page = (packed / "report.html").read_text(encoding="utf-8")
    return json.loads(re.search(rf"var {what} = (\{{\".*\}});$", page, re.MULTILINE)[1])


def test_snakemakes_own_report_holds_what_ours_rests_on(walked, packed):
    categories = told(packed, "categories")
    assert set(categories) == {"Report", "Novels", "Datasets", "Adapters"}
    assert all(set(categories[kind]) == {"small"} for kind in set(categories) - {"Report"})
    results = told(packed, "results")
    assert {(path, shown["labels"]["what"]) for path, shown in results.items()} == {
        ("results/report.html", "the whole report"),
        ("results/novels/small/text.json", "cleaning"),
        ("results/novels/small/chapters.json", "chapters"),
        ("results/novels/small/pairs.jsonl", "pairs"),
        ("results/novels/small/pairs.json", "pairs in numbers"),
        ("results/datasets/small/ledger.json", "ledger"),
        ("results/datasets/small/exam.json", "exam of the metrics"),
        ("results/adapters/small/training_loss.png", "loss curve"),
        ("results/adapters/small/gates.json", "gates"),
        ("results/adapters/small/manifest.json", "what it was made from"),
        ("results/adapters/small/samples.jsonl", "samples"),
        ("results/adapters/small/evaluation.json", "evaluation"),
    }
    for path, shown in results.items():
        assert (packed / shown["data_uri"]).read_bytes() == (walked / path).read_bytes()
        assert re.search(r"<p>.{20,}</p>", shown["caption"], re.DOTALL), path
        assert "problematic" not in shown["caption"], "reStructuredText that is none"


def test_no_secret_is_in_snakemakes_own_report(packed):
    files = [path for path in packed.rglob("*") if path.is_file()]
    assert files and not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_captions_are_in_the_language_of_the_page(language):
    """Each file has both, and both say something."""
    found = sorted((REPOSITORY / "resources/report").glob("*.rst"))
    assert len(found) > 10
    snakemake = SimpleNamespace(config={"report": {"language": language}})
    for path in found:
        said = Template(path.read_text(encoding="utf-8")).render(snakemake=snakemake)
        assert len(said.strip()) > 20 and bool(re.search(r"[\u4e00-\u9fff]", said)) == (
            language == "zh"
        ), path.name


def test_a_container_is_defined_with_every_environment_of_the_run(walked, tmp_path):
    conda = tmp_path / "bin/conda"
    conda.parent.mkdir()
    conda.write_text(CONDA)
    conda.chmod(0o755)
    defined = walked.snakemake("--containerize", PATH=f"{conda.parent}:/usr/bin:/bin").stdout
    # These are for models of their own; none is in this configuration.
    for environment in {path.name for path in (REPOSITORY / "envs").glob("*.yaml")} - {
        "qwen1.yaml",
        "gpu.yaml",
    }:
        assert f"envs/{environment}" in defined, f"{environment} is missing"
    assert "FROM" in defined and "conda env create" in defined


def test_unit_tests_are_generated_for_what_was_run(walked, clean_checkout, tmp_path):
    folder = shutil.copytree(clean_checkout.folder, tmp_path / "checkout")
    shutil.copytree(walked.folder, folder, dirs_exist_ok=True, symlinks=True)
    shutil.copy(walked / "config.yaml", folder / "config/config.yaml")
    done = run_in(folder, "--generate-unit-tests", "--cores", "1")
    assert done.returncode == 0, done.stdout
    made = {path.stem.removeprefix("test_") for path in (folder / ".tests/unit").glob("test_*.py")}
    assert {
        "normalise_text",
        "find_chapters",
        "cut_chunks",
        "gather_pairs",
        "build_dataset",
    } <= made
