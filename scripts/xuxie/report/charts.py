"""Charts as SVG inside the page. Their colours are the page's own variables, so that they follow its light and dark themes."""

import altair as alt
import vl_convert

_WIDTH, _HEIGHT = 380, 200
_KNOWN = {"human": "var(--human)", "base": "var(--base)", "tuned": "var(--tuned)"}
_OTHERS = ["var(--other-1)", "var(--other-2)", "var(--other-3)", "var(--other-4)"]


def by_position(
    stretches: list[dict], names: dict[str, str], *, x: str, y: str, percent: bool = False
) -> str:
    """A metric along the text, one line for each system, with its interval.

    Args:
        stretches: start and end in characters, and `values`: by system a dict with value, low and high.
        names: label by system, in the order of the legend.
        x, y: titles of the axes.
        percent: the metric is a share.
    """
    order = [f"{stretch['start']}–{stretch['end']}" for stretch in stretches]
    values = [
        {
            "at": label,
            "system": names[system],
            **{key: found[key] for key in ("value", "low", "high")},
        }
        for label, stretch in zip(order, stretches, strict=True)
        for system, found in stretch["values"].items()
        if system in names and found["value"] is not None
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X(
            "at:O",
            sort=order,
            title=x,
            axis=alt.Axis(labelAngle=0, grid=False),
            scale=alt.Scale(paddingInner=0.6, paddingOuter=0.3),
        ),
        color=alt.Color("system:N", scale=_colours(names), legend=_legend()),
        xOffset=alt.XOffset("system:N", sort=list(names.values())),
    )
    axis = alt.Axis(format="%") if percent else alt.Axis()
    value = alt.Y("value:Q", title=y, scale=alt.Scale(zero=False, nice=True), axis=axis)
    layers = [
        base.mark_rule(strokeWidth=6, opacity=0.25).encode(
            y=alt.Y("low:Q", title=y, scale=alt.Scale(zero=False), axis=axis), y2="high:Q"
        ),
        base.mark_line(strokeWidth=1.5).encode(y=value),
        base.mark_circle(size=55, opacity=1).encode(y=value),
    ]
    return _svg(alt.layer(*layers))


def histogram(
    scores: list[dict], threshold: float, labels: dict[str, str], *, x: str, y: str
) -> str:
    """How many pairs got which score, kept and dropped, with the threshold."""
    data = alt.Data(
        values=[
            {"score": row["score"], "kept": labels["kept" if row["kept"] else "dropped"]}
            for row in scores
        ]
    )
    colours = alt.Scale(
        domain=[labels["kept"], labels["dropped"]], range=["var(--tuned)", "var(--base)"]
    )
    bars = (
        alt.Chart(data)
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X(
                "score:Q",
                bin=alt.Bin(extent=[0, 10], step=0.5),
                title=x,
                axis=alt.Axis(grid=False, values=list(range(0, 11, 2)), format="d"),
            ),
            y=alt.Y("count():Q", title=y, axis=alt.Axis(tickMinStep=1)),
            color=alt.Color("kept:N", scale=colours, legend=_legend()),
        )
    )
    rule = (
        alt.Chart(alt.Data(values=[{"at": threshold}]))
        .mark_rule(strokeDash=[4, 3], stroke="var(--ink)")
        .encode(x="at:Q")
    )
    return _svg(alt.layer(bars, rule))


def loss_curve(log: list[dict], labels: dict[str, str], *, x: str, y: str) -> str:
    """Training loss by step and, where it was measured, that of the val chapters."""
    values = [
        {"step": entry["current_steps"], "loss": entry[key], "series": labels[key]}
        for entry in log
        for key in ("loss", "eval_loss")
        if entry.get(key) is not None
    ]
    scale = alt.Scale(
        domain=[labels["loss"], labels["eval_loss"]], range=["var(--base)", "var(--tuned)"]
    )
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_line(strokeWidth=1.5, point=alt.OverlayMarkDef(size=30))
        .encode(
            x=alt.X("step:Q", title=x, axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("loss:Q", title=y, scale=alt.Scale(zero=False, nice=True)),
            color=alt.Color("series:N", scale=scale, legend=_legend()),
        )
    )
    return _svg(chart)


def _colours(names: dict[str, str]) -> alt.Scale:
    others = iter(_OTHERS * len(names))
    return alt.Scale(
        domain=list(names.values()), range=[_KNOWN.get(system) or next(others) for system in names]
    )


def _legend() -> alt.Legend:
    return alt.Legend(title=None, orient="top", symbolType="circle", symbolOpacity=1)


def _svg(chart: alt.TopLevelMixin) -> str:
    styled = (
        chart.properties(width=_WIDTH, height=_HEIGHT, background="transparent")
        .configure(font="var(--sans)")
        .configure_axis(
            labelColor="var(--ink-soft)", titleColor="var(--ink-soft)", gridColor="var(--line)", domainColor="var(--line)",
            tickColor="var(--line)", labelFontSize=11, titleFontSize=12, titleFontWeight="normal", tickCount=5,
        )
        .configure_legend(labelColor="var(--ink)", labelFontSize=12)
        .configure_view(stroke=None)
    )  # fmt: skip
    svg = vl_convert.vegalite_to_svg(styled.to_dict())
    # Fluid width: the view box keeps the proportions.
    return svg.replace("<svg ", '<svg role="img" ', 1)
