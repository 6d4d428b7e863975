"""Spans of time, as people read them."""


def clock(seconds: float) -> str:
    """Minutes and seconds, after hours if there are any: `2:07`, `1:02:07`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
