"""A configuration of more novels than one run can plan, cut into configurations that a run each can."""

import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

from xuxie.config.settings import Settings
from xuxie.errors import UserError
from xuxie.sampling.authors import BASE, TUNED
from xuxie.sampling.outlines import OF_THE_PASSAGE

#: Arguments of LLaMA-Factory that may name a file to be read.
READ_BY_TRAINING = ("deepspeed", "fsdp_config", "accelerator_config")


@dataclass(frozen=True)
class Batch:
    """What one run makes: whole datasets, with their novels and adapters."""

    name: str
    novels: list[str]
    datasets: list[str]


def cut_batches(complete: dict, size: int, known: list[Batch]) -> list[Batch]:
    """Deal out datasets to batches; datasets that share a novel stay together, and what was dealt out stays where it is.

    Args:
        complete: the configuration with its defaults.
        size: how many novels a new batch has at most, unless datasets that stay together have more.
        known: batches of an earlier call, with all novels that they ever had: answers about these are in their journals.

    Returns:
        the known batches, without what the configuration no longer has and with what joins them, and new ones after them.

    Raises:
        UserError: datasets stay together, but they or their novels were dealt out to two batches.
    """
    datasets = {name: entry["novels"] for name, entry in complete["datasets"].items()}
    dealt = {name: batch.name for batch in known for name in batch.datasets}
    asked = {novel: batch.name for batch in known for novel in batch.novels}
    members = {batch.name: [name for name in batch.datasets if name in datasets] for batch in known}
    new: list[list[str]] = []
    for names in _connected(datasets):
        # A dataset that was renamed, or comes back, finds the answers about its novels.
        homes = list(
            dict.fromkeys(
                [
                    *(dealt[name] for name in names if name in dealt),
                    *(asked[novel] for novel in _novels(datasets, names) if novel in asked),
                ]
            )
        )
        if len(homes) > 1:
            raise _in_two_batches(datasets, names, dealt, asked, homes)
        if homes:
            members[homes[0]] += [name for name in names if name not in dealt]
        elif new and len(_novels(datasets, [*new[-1], *names])) <= size:
            new[-1] += names
        else:
            new.append(names)
    members |= {f"batch-{number:04}": names for number, names in enumerate(new, len(known) + 1)}
    return [Batch(name, _novels(datasets, names), names) for name, names in members.items()]


def _in_two_batches(
    datasets: dict[str, list[str]],
    names: list[str],
    dealt: dict[str, str],
    asked: dict[str, str],
    homes: list[str],
) -> UserError:
    """What is said of datasets that stay together, but are in several batches: of each batch a novel that ties it to the others."""
    ties = []
    for home in homes:
        inside = [name for name in names if dealt.get(name) == home]
        outside = _novels(datasets, [name for name in names if name not in inside])
        own = _novels(datasets, inside)
        known = [novel for novel in _novels(datasets, names) if asked.get(novel) == home]
        ties.append(f"{min(set(outside).intersection(own) or known or own)} in {home}")
    return UserError(
        f"datasets that share novels are in {len(homes)} batches: {', '.join(ties)}",
        where="config key datasets",
        remedy="let each dataset keep to the novels of one batch, or begin in another folder (manage_journal.py join takes the answers along)",
    )


def check_systems(batches: list[Batch], complete: dict) -> None:
    """An adapter that samples beside all others has to be in every batch, so that there can be but one.

    Raises:
        UserError: `sampling.systems` names an adapter that a batch does not have.
    """
    for name in complete["sampling"]["systems"]:
        if name in (BASE, TUNED) or name in complete["endpoints"]:
            continue
        dataset = complete["adapters"][name]["dataset"]
        without = [batch for batch in batches if batch.datasets and dataset not in batch.datasets]
        if without:
            raise UserError(
                f"{name} is an adapter of one batch, and {without[0].name} is to sample it too",
                where="config key sampling.systems",
                remedy=f"take {name} off the list, or begin in another folder with a --size that all novels fit in",
            )


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


def has_adapters(batch: Batch, complete: dict) -> bool:
    """Whether the configuration asks for an adapter of any of its datasets."""
    own = set(batch.datasets)
    return any(entry["dataset"] in own for entry in complete["adapters"].values())


def _absolute(path, folder: str):
    if isinstance(path, list):
        return [_absolute(one, folder) for one in path]
    return os.path.join(folder, path)


def _novels(datasets: dict[str, list[str]], names: list[str]) -> list[str]:
    """The novels of some datasets, each once, in order."""
    return list(dict.fromkeys(novel for name in names for novel in datasets[name]))


def _connected(datasets: dict[str, list[str]]) -> list[list[str]]:
    """Datasets that share novels, directly or by way of others, in the order of their first ones."""
    group_of: dict[str, list[str]] = {}  # by novel
    groups: dict[int, list[str]] = {}  # by identity, so that one among 100,000 is found at once
    for name, novels in datasets.items():
        met = {id(group_of[novel]): group_of[novel] for novel in novels if novel in group_of}
        joined = [*(one for group in met.values() for one in group), name]
        for merged in met:
            del groups[merged]
        groups[id(joined)] = joined
        for member in joined:
            for novel in datasets[member]:
                group_of[novel] = joined
    order = {name: place for place, name in enumerate(datasets)}
    return sorted(
        (sorted(group, key=order.__getitem__) for group in groups.values()),
        key=lambda group: order[group[0]],
    )
