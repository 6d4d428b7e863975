"""Whether a checkpoint was written whole, in each form in which the trainer writes one.

On one device, and on several that each hold the whole model, it is `optimizer.pt`. FSDP writes weights and optimizer each as a file,
or as a folder of shards with a list of what they hold, which comes last. DeepSpeed writes a folder of its own with everything,
the scheduler mostly too, and then `latest`, which names it. In every form the trainer's own state comes after all processes have
written theirs. So `_save_optimizer_and_scheduler` of transformers and `save_fsdp_optimizer` of accelerate have it.
"""

import json
import pickle
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from safetensors import SafetensorError, safe_open

from xuxie.files.rows import read_json

LIST_OF_SHARDS = ".metadata"

PARTS = {
    "weights": (
        "adapter_model.safetensors",
        "pytorch_model_fsdp.bin",
        f"pytorch_model_fsdp_0/{LIST_OF_SHARDS}",
    ),
    "state of the optimizer": ("optimizer.pt", "optimizer.bin", f"optimizer_0/{LIST_OF_SHARDS}"),
    "state of the scheduler": ("scheduler.pt",),
}
"""What the trainer reads beside its own state, and the files that tell that it is there, one for each form."""


def fault_of(checkpoint: Path, step: int) -> str:
    """Why training cannot resume from a checkpoint; empty if it can.

    Args:
        step: after which it was written.
    """
    try:
        if read_json(checkpoint / "trainer_state.json")["global_step"] != step:
            return "its state is of another step"
        for file in sorted(checkpoint.glob("**/*")):
            _read_ends(file)
        missing = _missing(checkpoint)
    except (
        OSError,
        json.JSONDecodeError,
        KeyError,
        SafetensorError,
        BadZipFile,
        pickle.UnpicklingError,
        EOFError,
    ) as error:
        return f"it was not written to the end ({error})"
    return f"it was not written to the end (no {', no '.join(missing)})" if missing else ""


def _read_ends(file: Path) -> None:
    """Read as much of a file as tells that it is whole.

    Raises: an error of the file's format, or OSError, or EOFError: it is not.
    """
    if file.suffix == ".safetensors":
        with safe_open(file, "pt"):
            pass
    elif file.suffix in (".pt", ".pth", ".bin"):
        # As torch.save writes them, with the table of contents at the end. Nothing is unpickled: DeepSpeed's hold objects
        # that torch.load refuses unless it is told to trust them.
        with ZipFile(file) as archive:
            for name in archive.namelist():
                if name.endswith(".pkl"):
                    archive.read(name)
    elif file.name == LIST_OF_SHARDS:
        _measure_shards(file.parent)


def _measure_shards(folder: Path) -> None:
    """Compare the shards of a state with the list of what they hold.

    Raises: OSError, EOFError: one is missing, or shorter than the list says.
    """
    from torch.distributed.checkpoint import FileSystemReader  # here: it takes a second

    listed = FileSystemReader(folder).read_metadata().storage_data or {}
    for piece in listed.values():
        if (folder / piece.relative_path).stat().st_size < piece.offset + piece.length:
            raise EOFError(f"{folder.name}/{piece.relative_path} is too short")


def _missing(checkpoint: Path) -> list[str]:
    """What the trainer would look for in vain."""
    if any(checkpoint.glob("global_step*")):
        states = checkpoint / (checkpoint / "latest").read_text(encoding="utf-8")
        return [] if any(states.glob("*_states.pt")) else ["states where `latest` says"]
    return [
        part
        for part, files in PARTS.items()
        if not any((checkpoint / file).exists() for file in files)
    ]
