"""Which files can be read as a novel, by their names alone; what is in them is seen when they are read."""

from pathlib import Path

from xuxie.errors import UserError

FORMS = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".epub": "epub",
}


def form_of(path: Path) -> str:
    """The form of a file's text: text, markdown or epub.

    Raises:
        UserError: files of its kind are not read.
    """
    if path.suffix.lower() not in FORMS:
        raise UserError(
            f"files of the kind {path.suffix or '(no suffix)'} are not read",
            where=str(path),
            remedy="give a .txt, .md or .epub file",
        )
    return FORMS[path.suffix.lower()]
