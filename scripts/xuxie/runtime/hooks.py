"""Parts of other libraries put in place of their own."""

from types import ModuleType


def put_in_place(module: ModuleType, name: str, part: object) -> None:
    """Let a module use our part in place of the one that it knows by this name.

    Raises:
        RuntimeError: it no longer has one of that name, so that nobody would use ours, without a word.
    """
    if not hasattr(module, name):
        raise RuntimeError(
            f"{module.__name__} has no {name} in this release, and what stood in its place would be used by nobody; "
            "install the release that envs/ names"
        )
    setattr(module, name, part)
