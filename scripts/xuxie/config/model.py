"""A base model of the configuration, and where its files lie."""

import glob
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A base model.

    Attributes:
        source_name: what its source calls it: a name in the catalogue or of a hub, or a folder.
        template: the LLaMA-Factory template that it is addressed in.
        environment: the environment that its code runs in.
    """

    name: str
    source: str
    source_name: str
    revision: str | None
    template: str
    environment: str
    trust_remote_code: bool

    @property
    def gguf(self) -> str:
        """The weights that are served where the model is embedded."""
        return f"results/models/{self.name}/model.gguf"

    @property
    def config_file(self) -> str:
        """Its config.json; the Hugging Face folder's other files lie beside it."""
        return f"results/models/{self.name}/hf/config.json"

    @property
    def files(self) -> list[str]:
        """Its config.json, and the record that has the hashes of all files of that folder."""
        return [self.config_file, f"results/models/{self.name}/model.json"]

    @property
    def source_files(self) -> list[str]:
        """The files of a model that is on this machine; its config.json at least, so that a missing folder is noticed."""
        return files_in(self.source_name) or [os.path.join(self.source_name, "config.json")]


def files_in(folder: str) -> list[str]:
    """The files that lie in a folder; none if it is no folder."""
    found = glob.glob(os.path.join(glob.escape(folder), "*"))
    return sorted(filter(os.path.isfile, found))
