"""A version is what the changelog released last, in every file that names one."""

import importlib.util
import tomllib

import pytest
import yaml
from workspace import REPOSITORY

spec = importlib.util.spec_from_file_location("release", REPOSITORY / ".ci/release.py")
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)

CHANGELOG = """# Changelog

## [Unreleased]

- Something new.

## [0.1.0] - 2026-01-31

- The beginning.
"""


def read(file: str) -> str:
    return (REPOSITORY / file).read_text(encoding="utf-8")


def test_every_file_names_the_version_that_the_changelog_released_last():
    version, date = release.newest(read("CHANGELOG.md"))
    assert tomllib.loads(read("pyproject.toml"))["project"]["version"] == version
    citation = yaml.safe_load(read("CITATION.cff"))
    assert (citation["version"], str(citation["date-released"])) == (version, date)


def test_what_is_unreleased_gets_a_heading():
    made = release.released(CHANGELOG, "0.2.0", "2026-02-01")
    assert release.newest(made) == ("0.2.0", "2026-02-01")
    assert made.index("[Unreleased]") < made.index("[0.2.0]") < made.index("Something new")
    assert made.index("Something new") < made.index("[0.1.0]")


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9"])
def test_a_version_goes_up(version):
    with pytest.raises(ValueError, match="not above 0.1.0"):
        release.released(CHANGELOG, version, "2026-02-01")


def test_nothing_is_not_released():
    with pytest.raises(ValueError, match="nothing in the changelog"):
        release.released(CHANGELOG.replace("- Something new.\n", ""), "0.2.0", "2026-02-01")
