"""A prompt template: a text file in which names such as `$passage` stand for what a question is about."""

from collections.abc import Collection
from pathlib import Path
from string import Template

from xuxie.errors import UserError


def read_prompt(file: str | Path) -> str:
    """The text of a prompt without the white space around it.

    Raises:
        UserError: the file is missing, or no UTF-8.
    """
    try:
        # Windows' editors put a mark before the text.
        return Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8"
        raise UserError(
            f"the prompt template cannot be read: {said}",
            where=str(file),
            remedy="begin with those of resources/prompts, and save them as UTF-8",
        ) from error


def read_template(
    file: str | Path, needed: Collection[str], possible: Collection[str] = ()
) -> Template:
    """The template in a file, in which nothing is missing or unknown.

    Args:
        needed: the names that must stand in it: a question without its passage would be paid for all the same.
        possible: further names that may.

    Raises:
        UserError: a name is missing or unknown, or a `$` is no name; or as `read_prompt` does.
    """
    template = Template(read_prompt(file))
    names = template.get_identifiers()
    missing = [name for name in needed if name not in names]
    unknown = [name for name in names if name not in (*needed, *possible)]
    if template.is_valid() and not missing and not unknown:
        return template
    allowed = ", ".join(f"${name}" for name in (*needed, *possible))
    if missing:
        what = f"${missing[0]} does not stand in the prompt template"
    elif unknown:
        what = f"the prompt template names ${unknown[0]}, which nothing is put in place of"
    else:
        what = "a $ in the prompt template is followed by no name"
    raise UserError(
        what,
        where=str(file),
        remedy=f"the names that it may have: {allowed}; a dollar sign itself is written $$",
    )
