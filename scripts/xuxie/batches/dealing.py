"""How datasets, with their novels and adapters, are dealt out to batches."""

from dataclasses import dataclass

from xuxie.errors import UserError
from xuxie.sampling.authors import BASE, TUNED


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
