"""How an adapter was trained."""

from xuxie.report import charts
from xuxie.report.inputs import Adapter


def training(name: str, adapter: Adapter, captions: dict) -> dict:
    """The loss curve, the gates and the manifest of an adapter."""
    words = captions["training"]
    return {
        "adapter": name,
        "curve": charts.loss_curve(adapter.trainer_log, words, x=words["x"], y=words["y"]),
        "gates": adapter.gates,
        "manifest": adapter.manifest,
    }
