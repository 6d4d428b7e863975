# The configuration, checked, completed and resolved, and what more than one rule file uses.
#
# Rules learn of the configuration from `settings` alone, which xuxie/config/settings.py describes. What is the same for all
# jobs is asked as `settings.pairs.threshold`, what depends on a wildcard as `of("novel.encoding")`.
# Addresses, limits and budgets of endpoints reach a script beside its params, and so rerun nothing: see xuxie/runtime/job.py.

import glob
import os
import re
from operator import attrgetter

from snakemake.exceptions import WorkflowError

from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.errors import UserError
from xuxie.runtime.clone import REPOSITORY

# This workflow's own folder. Where Snakemake itself has fetched the rules from a code host there is none, and the clone that the
# package is installed from stands in.
HOME = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))
HOME = HOME if os.path.isdir(HOME) else REPOSITORY

# Snakemake hands --configfile on to the jobs that it submits, but not --replace-workflow-config: they would merge the file with
# config/config.yaml and see novels that nobody asked for. So each job is told by a mark in its own --config.
REPLACED = "config_was_replaced"

if workflow.config_settings.replace_workflow_config:
    workflow.config_settings.config_args = [
        *workflow.config_settings.config_args,
        f"{REPLACED}=True",
    ]
if config.pop(REPLACED, False):
    config.clear()
    config.update(
        {
            key: value
            for key, value in workflow.config_settings.overwrite_config.items()
            if key != REPLACED
        }
    )


def packaged(path):
    """A file of this workflow, wherever the working directory is; relative, so that moving both reruns nothing."""
    return os.path.relpath(os.path.join(HOME, path))


try:
    complete_config(config, workflow.source_path("../config/schema.yaml"))
    settings = resolve(config, packaged("resources"))
    # A default storage provider means that paths are not of this machine.
    if not workflow.storage_settings.default_storage_provider:
        settings.check_sources()
        settings.check_templates()
except UserError as error:
    raise WorkflowError(error) from None


wildcard_constraints:
    novel="[^/]+",
    dataset="[^/]+",
    adapter="[^/]+",
    model="[^/]+",
    attribution="[^/]+",
    scorer="[^/]+",
    shard=r"\d+-of-\d+",
    stage="pt|sft",


def of(path):
    """A function of the wildcards: what `settings` say of the entry that a wildcard names, such as `novel.encoding`.

    Snakemake's own `lookup` walks through the whole config at each call: with a thousand novels that takes hours.
    """
    wildcard, attribute = path.split(".", 1)
    entries, answer = getattr(settings, f"{wildcard}s"), attrgetter(attribute)

    def value(wildcards):
        return answer(entries[wildcards[wildcard]])

    return value


def of_stage(attribute):
    """The same of the stage of an adapter."""
    answer = attrgetter(attribute)

    def value(wildcards):
        return answer(settings.adapters[wildcards.adapter].stages[wildcards.stage])

    return value


def always(value):
    """A function of the wildcards that does not mind them."""

    def same(wildcards):
        return value

    return same


def named(names):
    """A wildcard's pattern: one of these names; matches nothing if there are none."""
    return "|".join(map(re.escape, names)) or "$^"


def environment_of(entry):
    """A function of the wildcards: the conda file of the environment that the model of an `adapter` or `attribution` runs in."""
    name = of(f"{entry}.model.environment")

    def file(wildcards):
        return f"../envs/{name(wildcards)}.yaml"

    return file
