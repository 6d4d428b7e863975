"""The loss curves of a run, training rows and val chapters in one picture."""

from pathlib import Path

from matplotlib.figure import Figure


def draw_losses(history: list[dict], path: str | Path) -> None:
    """Draw the loss per step, its running mean, and the loss on the val chapters with its lowest point.

    Args:
        history: the trainer's log: entries with `step` and `loss` or `eval_loss`, in nats per token.
        path: the PNG file.
    """
    steps, losses = _series(history, "loss")
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, losses, color="#9bb7d4", linewidth=1, label="training rows")
    axes.plot(
        steps,
        _running_mean(losses),
        color="#2b5c8a",
        linewidth=2,
        label="training rows, running mean",
    )
    steps, losses = _series(history, "eval_loss")
    if steps:
        axes.plot(steps, losses, color="#c0562b", marker="o", linewidth=2, label="val chapters")
        best = min(range(len(losses)), key=losses.__getitem__)
        axes.annotate(
            f"{losses[best]:.3f}",
            (steps[best], losses[best]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
        )
    axes.set_xlabel("step of the optimizer")
    axes.set_ylabel("loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _series(history: list[dict], key: str) -> tuple[list[float], list[float]]:
    found = [(entry["step"], entry[key]) for entry in history if key in entry]
    return [step for step, _ in found], [value for _, value in found]


def _running_mean(values: list[float], weight: float = 0.85) -> list[float]:
    """Exponential mean, corrected for its start (as in Adam)."""
    means, mean = [], 0.0
    for count, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        means.append(mean / (1 - weight**count))
    return means
