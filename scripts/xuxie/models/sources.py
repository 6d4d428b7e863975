"""Base models as Hugging Face folders, from a hub or from this machine.

A download goes into the hub library's own cache, where every project of the machine finds it again and where a
broken transfer is taken up; the model's folder in `results` only points there.
"""

import logging
import shutil
from pathlib import Path

from xuxie.errors import UserError

logger = logging.getLogger(__name__)

SAFETENSORS = (".safetensors", ".safetensors.index.json")
OTHER_WEIGHTS = (
    ".bin",
    ".bin.index.json",
    ".pt",
    ".pth",
    ".h5",
    ".msgpack",
    ".onnx",
    ".gguf",
    ".ot",
    ".tflite",
)


def from_hub(repository: str, revision: str | None) -> tuple[Path, dict]:
    """Download a repository of the Hugging Face hub, or of the mirror that HF_ENDPOINT names.

    Returns:
        the snapshot's folder, and what to remember: repository, commit, licence.

    Raises:
        UserError: there is no such repository or revision, or it could not be reached.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        info = HfApi().model_info(repository, revision=revision)
        wanted = wanted_files([file.rfilename for file in info.siblings or []])
        folder = snapshot_download(repository, revision=info.sha, allow_patterns=wanted)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"the hub has no {repository}{f' at revision {revision}' if revision else ''}, or it is not open to you",
            where="models.*.name and models.*.revision",
            remedy="check the name; for a gated model, accept its terms on the hub and set HF_TOKEN in the environment",
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise _unreachable(repository, "HF_ENDPOINT names a mirror", error) from error
    if revision is None:
        logger.warning(
            "%s: no revision is given; pin this one, so that it stays the same: revision: %s",
            repository,
            info.sha,
        )
    return Path(folder), {
        "repository": repository,
        "revision": info.sha,
        "licence": info.card_data.get("license") if info.card_data else None,
    }


def from_modelscope(repository: str, revision: str | None) -> tuple[Path, dict]:
    """Download a repository of ModelScope.

    Raises:
        UserError: it could not be had.
    """
    from modelscope import snapshot_download
    from modelscope.hub.api import HubApi

    try:
        files = [
            file["Path"]
            for file in HubApi().get_model_files(repository, revision=revision, recursive=True)
            if file["Type"] == "blob"
        ]
        folder = snapshot_download(
            repository, revision=revision, allow_file_pattern=wanted_files(files)
        )
    except Exception as error:  # the library raises whatever its transport does
        raise _unreachable(repository, "MODELSCOPE_DOMAIN names a mirror", error) from error
    return Path(folder), {"repository": repository, "revision": revision}


def from_path(folder: str) -> tuple[Path, dict]:
    """A Hugging Face folder on this machine.

    Raises: UserError: it is not one.
    """
    if not Path(folder, "config.json").exists():
        raise UserError(
            f"{folder} is no Hugging Face model folder: it has no config.json",
            where="models.*.name",
            remedy="give its path",
        )
    return Path(folder), {"path": folder}


def wanted_files(files: list[str]) -> list[str]:
    """The files to take of a repository: its top level, with the weights as safetensors if there are any.

    Raises:
        UserError: there are no weights that can be trained.
    """
    top = [file for file in files if "/" not in file]
    if any(file.endswith(SAFETENSORS) for file in top):
        return [file for file in top if not file.endswith(OTHER_WEIGHTS)]
    if any(file.endswith(".bin") for file in top):
        return [file for file in top if not file.endswith(OTHER_WEIGHTS[2:])]
    raise UserError(
        "the repository has no weights in the form of safetensors",
        where="models.*.name",
        remedy="name the original model, not a GGUF",
    )


def point_to(source: Path, folder: Path, *, own_code: bool) -> None:
    """Make a model folder that points to another one: weights by link, small files as copies.

    Args:
        source: the folder to point to.
        folder: the new one; what was in it is removed.
        own_code: whether Python files come along. Without them no library can run them.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if (
            not file.is_file()
            or file.name.startswith(".")
            or (file.suffix == ".py" and not own_code)
        ):
            continue
        if file.name.endswith((".safetensors", ".bin")):
            (folder / file.name).symlink_to(file.resolve())
        else:
            shutil.copyfile(file, folder / file.name)


def _unreachable(repository: str, hint: str, error: Exception) -> UserError:
    return UserError(
        f"{repository} could not be downloaded: {error}",
        where="models.*.source",
        remedy=f"run again, and what is there already is kept; {hint}; a folder that is at hand can be used with `source: path`",
    )


SOURCES = {"hub": from_hub, "modelscope": from_modelscope}
