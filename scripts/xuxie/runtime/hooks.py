"""Parts of other libraries put in place of their own."""

from types import ModuleType


def put_in_place(module: ModuleType, name: str, part: object) -> None:
    """Let a module use our part in place of the one that it has under a name.

    Raises:
        RuntimeError: it has none of that name any more; ours would be used by nobody, in silence.
    """
    if not hasattr(module, name):
        raise RuntimeError(
            f"{module.__name__} has no {name} in this release, and what stood in its place would be used by nobody; "
            "install the release that envs/ names"
        )
    setattr(module, name, part)
