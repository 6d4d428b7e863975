"""Programs that a test puts in the place of real ones."""

import os
import sys
from pathlib import Path


def put_in_the_path(tmp_path, **programs: str) -> str:
    """A PATH on which these scripts stand in for programs, and the tests' own Python is the first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
