"""A novel of the configuration: its files, and how they become text and shards."""

import glob
import math
import os
from dataclasses import dataclass

from xuxie.pairs.shards import shard_names
from xuxie.text.amount import text_bytes


@dataclass(frozen=True)
class Novel:
    """A novel, and how its files become text.

    Attributes:
        path: its source as configured: a file, several, a glob or a folder.
        generator_templates, judge_templates: files of the prompt templates of both roles.
        shard_bytes: about how many bytes of it make one shard; None if the whole is one.
    """

    name: str
    path: str | list[str]
    language: str
    encoding: str | None
    on_bad_bytes: str
    watermarks: list[str]
    normalise: dict
    chapter_pattern: str | None
    scene_size: int
    generator_templates: list[str]
    judge_templates: list[str]
    shard_bytes: int | None

    @property
    def files(self) -> list[str]:
        """The source files in reading order: 第2章 before 第10章. For a pattern that matches nothing, the pattern itself."""
        if not isinstance(self.path, str):
            return self.path
        folder = os.path.isdir(self.path)
        found = glob.glob(os.path.join(glob.escape(self.path), "*") if folder else self.path)
        if len(found) < 2:
            return found or [self.path]
        # It needs re2, which the environment of the workflow alone need not have.
        from xuxie.text.sources import reading_order

        return reading_order(found)

    @property
    def shards(self) -> list[str]:
        """The names of its shards. They follow from the size of its files, so that no text has to be read."""
        return shard_names(math.ceil(self.size / self.shard_bytes) if self.shard_bytes else 1)

    @property
    def size(self) -> int:
        """The bytes of text in its files."""
        return sum(text_bytes(file) for file in self.files if os.path.exists(file))

    @property
    def largest_shard(self) -> int:
        """How many bytes of it a job may have to work on."""
        return self.shard_bytes or self.size
