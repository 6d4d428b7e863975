"""What the run took."""

from xuxie.report.inputs import Adapter, Novel


def costs(novels: dict[str, Novel], ledgers: dict[str, dict], adapters: dict[str, Adapter]) -> dict:
    """What the run took: calls, tokens and money by novel, or dataset, and role, and the seconds of training and sampling by adapter."""
    return {
        "calls": [
            {"novel": name, "role": role, "paid": {}, **usage}
            for name, novel in novels.items()
            for role, usage in novel.summary.get("usage", {}).items()
        ]
        + [
            {"novel": name, "paid": {}, **usage}
            for name, ledger in ledgers.items()
            if (usage := ledger.get("sketch_usage"))
        ],
        "seconds": [
            {
                "adapter": name,
                "training": adapter.manifest["seconds"],
                "sampling": sum(
                    output["seconds"]
                    for sample in adapter.samples
                    for output in sample["outputs"].values()
                ),
            }
            for name, adapter in adapters.items()
        ],
    }
