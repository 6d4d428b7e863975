"""The configuration of a batch, cut out of the whole one, and the files that it is made from."""

import os
from collections.abc import Iterator
from copy import deepcopy

from xuxie.batches.dealing import Batch
from xuxie.config.settings import Settings
from xuxie.sampling.outlines import OF_THE_PASSAGE

#: Arguments of LLaMA-Factory that may name a file to be read.
READ_BY_TRAINING = ("deepspeed", "fsdp_config", "accelerator_config")


def config_of(batch: Batch, config: dict, complete: dict, folder: str) -> dict:
    """The configuration of a batch, to be used in another folder.

    Args:
        batch: the batch.
        config: the whole configuration as it was written.
        complete: the same with its defaults.
        folder: what its paths are relative to.
    """
    whole = ("novels", "datasets", "adapters")  # too much to copy for each batch
    part = {key: entry if key in whole else deepcopy(entry) for key, entry in config.items()}
    # As they were written, where they were: a default that a new version adds makes no other batch.
    datasets, written = (
        config.get(section) or complete[section] for section in ("datasets", "adapters")
    )
    part["novels"] = {name: deepcopy(config["novels"][name]) for name in batch.novels}
    part["datasets"] = {name: deepcopy(datasets[name]) for name in batch.datasets}
    own = set(batch.datasets)
    adapters = {name: deepcopy(entry) for name, entry in written.items() if entry["dataset"] in own}
    # No configuration is without an adapter; one that nobody has asked for is left out of the targets.
    part["adapters"] = adapters or {
        batch.datasets[0]: {"dataset": batch.datasets[0], "model": next(iter(complete["models"]))}
    }
    if chosen := part.get("export", {}).get("adapters"):
        part["export"]["adapters"] = [name for name in chosen if name in adapters]
    if part.get("store"):
        part["store"] = f"{part['store']}/{batch.name}"  # or each sends its report to one place
    _make_absolute(part, complete["models"], folder)
    return part


def _make_absolute(part: dict, models: dict, folder: str) -> None:
    """Make the paths of a configuration absolute, wherever one may stand, in place.

    The journal's stays as it is: every batch has its own.
    """
    for novel in part["novels"].values():
        novel["path"] = _absolute(novel["path"], folder)
    for model in part.get("models", {}).values():
        if model.get("source") == "path":
            model["name"] = _absolute(model["name"], folder)
    for endpoint in part.get("endpoints", {}).values():
        if endpoint.get("tokenizer"):
            endpoint["tokenizer"] = _absolute(endpoint["tokenizer"], folder)
        if endpoint.get("serve"):
            _find_served(endpoint["serve"], models, folder)
    if part.get("pairs", {}).get("prompt_templates"):
        part["pairs"]["prompt_templates"] = _absolute(part["pairs"]["prompt_templates"], folder)
    if part.get("sampling", {}).get("outlines") not in (None, OF_THE_PASSAGE):
        part["sampling"]["outlines"] = _absolute(part["sampling"]["outlines"], folder)
    for adapter in part["adapters"].values():
        for own in (adapter, *adapter.get("stages", [])):
            _find_read_by_training(own.get("train", {}), folder)


def _find_served(serve: dict, models: dict, folder: str) -> None:
    if serve.get("model") and serve["model"] not in models:
        serve["model"] = _absolute(serve["model"], folder)
    program, *words = serve["command"]
    if os.path.dirname(str(program)):  # otherwise it is looked for on PATH
        serve["command"] = [_absolute(program, folder), *words]


def _find_read_by_training(train: dict, folder: str) -> None:
    for name in READ_BY_TRAINING:
        value = train.get(name)
        # What begins with a brace is no file, but its content.
        if isinstance(value, str) and not value.startswith("{"):
            train[name] = _absolute(value, folder)


def _absolute(path, folder: str):
    if isinstance(path, list):
        return [_absolute(one, folder) for one in path]
    return os.path.join(folder, path)


def files_read(batch: Batch, settings: Settings) -> Iterator[str]:
    """The files that a batch is made from, beside its configuration; each once.

    Args:
        batch: the batch.
        settings: the whole configuration's; relative paths are of the folder that it is used in.
    """
    novels = [settings.novels[name] for name in batch.novels]
    datasets = [settings.datasets[name] for name in batch.datasets]
    for novel in novels:
        yield from novel.files
    templates = [
        *(file for novel in novels for file in novel.generator_templates),
        *(file for novel in novels for file in novel.judge_templates),
        *(file for dataset in datasets for file in dataset.sketch_templates),
        *(dataset.preference_template for dataset in datasets),
        *(dataset.paraphrase_template for dataset in datasets),
    ]
    yield from dict.fromkeys(templates)  # which most novels share
    for name in settings.models_from("path"):
        yield from settings.models[name].source_files
    if isinstance(settings.outline_file, str):
        yield settings.outline_file
