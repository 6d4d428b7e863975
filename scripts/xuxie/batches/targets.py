"""What a batch is made for."""

from xuxie.batches.dealing import Batch


def has_adapters(batch: Batch, complete: dict) -> bool:
    """Whether the configuration asks for an adapter of any of its datasets."""
    own = set(batch.datasets)
    return any(entry["dataset"] in own for entry in complete["adapters"].values())


def targets_of(batch: Batch, complete: dict) -> list[str]:
    """All files that a batch is made for."""
    datasets = set(batch.datasets)
    adapters = [
        f"results/adapters/{name}/adapter_model.safetensors"
        for name, entry in complete["adapters"].items()
        if entry["dataset"] in datasets
    ]
    return [*ledgers_of(batch), *adapters, *(["results/report.html"] if adapters else [])]


def ledgers_of(batch: Batch) -> list[str]:
    """Those of its targets that need no adapter."""
    return [f"results/datasets/{name}/ledger_check.json" for name in batch.datasets]
