"""How much text a source file holds, told without reading it."""

import os
import zipfile
from functools import lru_cache
from pathlib import Path

_DOCUMENTS = (".xhtml", ".html", ".htm", ".xml")


def text_bytes(file: str) -> int:
    """About how many bytes of text a file has: its size, or, of an EPUB, that of its documents unpacked, whatever its pictures take.

    An EPUB that cannot be read counts with its size: what is wrong with it is said where it is read.
    """
    status = os.stat(file)
    if Path(file).suffix.lower() != ".epub":
        return status.st_size
    return _documents(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=100_000)
def _documents(file: str, size: int, changed: int) -> int:
    # Settings ask for it at every job; size and time of change are arguments so that another file of the name is looked at anew.
    try:
        with zipfile.ZipFile(file) as archive:
            return sum(
                member.file_size
                for member in archive.infolist()
                if member.filename.lower().endswith(_DOCUMENTS)
            )
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return size
