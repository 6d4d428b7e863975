"""The insides of other projects that the package leans on are as they were when they were read."""

from importlib.metadata import version

import pytest
from workspace import REPOSITORY
from xuxie.runtime.upstream import RELIANCES, fingerprint, source_of


@pytest.mark.parametrize("reliance", RELIANCES, ids=str)
def test_it_is_as_it_was_read(reliance):
    found = fingerprint(source_of(reliance))
    assert found == reliance.fingerprint, (
        f"{reliance.project} {version(reliance.project)} has another {reliance} than {reliance.release}, where it was read. "
        f"{reliance.used_in} leans on it ({reliance.reason}): read it again, then write down {found}"
    )


@pytest.mark.parametrize("reliance", RELIANCES, ids=str)
def test_whoever_leans_on_it_is_there(reliance):
    where = reliance.used_in
    file = where if where.endswith(".smk") else f"scripts/{where.replace('.', '/')}.py"
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    last = reliance.name.rpartition(".")[2] or "torchaudio"
    told = {"ConfigSettings": "config_settings", "StorageSettings": "storage_settings"}
    told |= {"launch": "launcher", "DynamicLayer": "DynamicCache"}
    assert told.get(last, last) in text, f"{file} no longer speaks of {reliance}"


def test_a_changed_source_has_another_fingerprint():
    assert fingerprint("a = 1\n") != fingerprint("a = 2\n")
    assert fingerprint("a = 1  \n") == fingerprint("a = 1\n")
