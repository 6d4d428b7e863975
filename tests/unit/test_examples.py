"""Every example asks for what LLaMA-Factory takes, what the lock of its environment installs, and what fits its GPU."""

import re

import pytest
import yaml
from snakemake.utils import update_config
from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.models.sizes import config_of
from xuxie.runtime.environments import SHARED
from xuxie.training.arguments import parse_arguments, training_arguments
from xuxie.training.features import asked_features
from xuxie.training.memory import GIB, Shape, needed

EXAMPLES = sorted((REPOSITORY / "config/examples").glob("*.yaml"))
#: The package that installs a module.
DISTRIBUTIONS = {"liger_kernel": "liger-kernel"}
#: Arguments of features without which the rest can be parsed.
WITHOUT = {"enable_liger_kernel": "enable_liger_kernel"}


def adapters_of(example) -> dict:
    """The adapters of an example, resolved; it says in its head whether it goes on top of the default configuration."""
    text = example.read_text(encoding="utf-8")
    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
    if "--replace-workflow-config" in text:
        config = {}
    update_config(config, yaml.safe_load(text))
    complete_config(config, REPOSITORY / "config/schema.yaml")
    return resolve(config).adapters


def arguments_of(adapter, stage) -> dict:
    """What the YAML of a stage will say."""
    return training_arguments(
        stage.train,
        stage=stage.name,
        model="m",
        template=adapter.trained_template,
        trust_remote_code=adapter.model.trust_remote_code,
        dataset="d",
        dataset_folder="data",
        adapter_folder="a",
        going_on_from=stage.folder_before,
    )


def stages_of(example):
    return [
        (adapter, arguments_of(adapter, stage))
        for adapter in adapters_of(example).values()
        for stage in adapter.stages.values()
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_llamafactory_takes_its_arguments(example):
    left_out = set()
    for adapter, arguments in stages_of(example):
        for feature in asked_features(arguments, "qwen2"):
            if feature.argument in WITHOUT and feature.fault(here=False):
                left_out.add(f"{feature.argument}: {feature.fault(here=False)} here")
                del arguments[WITHOUT[feature.argument]]
        parse_arguments(arguments)
        if adapter.model.environment not in SHARED:
            left_out.add(
                f"the environment {adapter.model.environment}: parsed by the release that is here"
            )
    if left_out:
        pytest.skip(f"parsed but for {'; '.join(sorted(left_out))}")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_asks_only_for_what_its_lock_installs(example):
    for adapter, arguments in stages_of(example):
        name = {"train": "requirements"}.get(adapter.model.environment, adapter.model.environment)
        lock = (REPOSITORY / f"envs/{name}.lock").read_text(encoding="utf-8")
        locked = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
        wanted = {f.module for f in asked_features(arguments, "qwen2") if f.module}
        assert {DISTRIBUTIONS.get(module, module) for module in wanted} <= locked


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_it_fits_the_gpu_that_it_names(example):
    for adapter, arguments in stages_of(example):
        config = config_of(None, adapter.model.source_name)
        assert config, f"{adapter.model.source_name}: its sizes belong into xuxie/models/sizes.py"
        work = needed(Shape.of(config), arguments, adapter.asking, adapter.all_gpus)
        for name, parts in work.items():
            there = adapter.memory or 80
            assert sum(parts.values()) / GIB < there, f"{name} of {adapter.name}: {parts}"
