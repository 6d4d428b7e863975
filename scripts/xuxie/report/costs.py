"""What the run took."""

from xuxie.report.inputs import Adapter, Novel


def costs(novels: dict[str, Novel], adapters: dict[str, Adapter]) -> dict:
    """What the run took: calls, tokens and money by novel and role, and the seconds of training and sampling by adapter."""
    return {
        "calls": [
            {"novel": name, "role": role, "paid": {}, **usage}
            for name, novel in novels.items()
            for role, usage in novel.summary.get("usage", {}).items()
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
