"""How a number is shown."""

METRICS = {
    "bits": "decimal",
    "characters": "whole",
    "natural_stop": "percent",
    "foreign_stop": "percent",
    "seq_rep_4": "percent",
    "distinct_2": "percent",
    "longest_repeat": "whole",
    "copied_30": "percent",
    "longest_copy": "whole",
    "new_names": "decimal",
    "invented_names": "decimal",
    "style_delta": "decimal",
}
"""The metrics of the report, in its order, and the kind of number each is."""


def figure(value: float | None, kind: str = "decimal", *, signed: bool = False) -> str:
    """A number as it is shown: "percent" of a share, "whole" or "decimal"; a dash for what could not be measured."""
    if value is None:
        return "—"
    sign = "+" if signed else ""
    if kind == "percent":
        digits = 0 if value == 0 or abs(value) >= 0.1 else 1
        shown = f"{value:{sign}.{digits}%}"
    else:
        shown = f"{value:{sign},.0f}" if kind == "whole" else f"{value:{sign}.2f}"
    return shown.replace("-", "−")


def interval(measured: dict, kind: str = "decimal") -> str:
    """The interval of a measured value; empty if there is none."""
    if measured["low"] is None:
        return ""
    return f"{figure(measured['low'], kind)} – {figure(measured['high'], kind)}"
