"""From content to one HTML file.

Novels and outputs are untrusted text: the template escapes everything, and the page's own policy lets no
script run but the one whose hash it names, and nothing be loaded from anywhere.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2
import yaml
from markupsafe import Markup


def read_captions(folder: str | Path, language: str) -> dict:
    """The words of the page in a language."""
    return yaml.safe_load((Path(folder) / f"{language}.yaml").read_text(encoding="utf-8"))


def render_page(
    folder: str | Path, content: dict, captions: dict, template: str = "report.html.j2"
) -> str:
    """The whole page.

    Args:
        folder: where template, style and script (style.css, page.js) of the page lie.
    """
    folder = Path(folder)
    script = (folder / "page.js").read_text(encoding="utf-8")
    style = (folder / "style.css").read_text(encoding="utf-8")
    return (
        _templates(folder)
        .get_template(template)
        .render(
            **content,
            t=captions,
            style=Markup(style),
            script=Markup(script),
            script_hash=_hash(script),
            svg=Markup,
        )
    )


@cache
def _templates(folder: Path) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["yaml"] = lambda value: yaml.safe_dump(
        value, allow_unicode=True, sort_keys=False, width=120
    )
    return environment


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
