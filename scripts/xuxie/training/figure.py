"""The loss curves of a run, training rows and val chapters in one picture."""

from pathlib import Path

from matplotlib.figure import Figure


def draw_losses(log: list[dict], path: str | Path) -> None:
    """Draw the loss per step, its running mean, and the loss on the val chapters with its lowest point, stage by stage.

    Args:
        log: the trainer's log: entries with `current_steps` and `loss` or `eval_loss`, in nats per token, and, of an
            adapter of several stages, `stage`.
        path: the PNG file.
    """
    stages: dict[str, list[dict]] = {}
    for entry in log:
        stages.setdefault(entry.get("stage", ""), []).append(entry)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for number, (stage, entries) in enumerate(stages.items()):
        if number:
            axes.axvline(entries[0]["current_steps"] - 0.5, color="#999999", linestyle=":")
        _draw_stage(axes, entries, f"{stage}: " if len(stages) > 1 else "", first=not number)
    axes.set_xlabel("step of the optimizer")
    axes.set_ylabel("loss (nats per token)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120, metadata={"Software": None})


def _draw_stage(axes, log: list[dict], prefix: str, *, first: bool) -> None:
    """One stage's curves; the legend names them once."""
    steps, losses = _series(log, "loss")
    axes.plot(steps, losses, color="#9bb7d4", linewidth=1, label="training rows" if first else None)
    axes.plot(
        steps,
        _running_mean(losses),
        color="#2b5c8a",
        linewidth=2,
        label="training rows, running mean" if first else None,
    )
    steps, losses = _series(log, "eval_loss")
    if steps:
        axes.plot(
            steps,
            losses,
            color="#c0562b",
            marker="o",
            linewidth=2,
            label="val chapters" if first else None,
        )
        best = min(range(len(losses)), key=losses.__getitem__)
        axes.annotate(
            f"{prefix}{losses[best]:.3f}",
            (steps[best], losses[best]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
        )


def _series(log: list[dict], key: str) -> tuple[list[float], list[float]]:
    found = [(entry["current_steps"], entry[key]) for entry in log if key in entry]
    return [step for step, _ in found], [value for _, value in found]


def _running_mean(values: list[float]) -> list[float]:
    """Exponential mean, corrected for its start (as in Adam)."""
    weight = 0.85
    means, mean = [], 0.0
    for count, value in enumerate(values, start=1):
        mean = weight * mean + (1 - weight) * value
        means.append(mean / (1 - weight**count))
    return means
