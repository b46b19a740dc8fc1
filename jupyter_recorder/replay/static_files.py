"""The built player's files."""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..errors import StorageError


@cache
def read_static(name: str) -> bytes:
    """Read a file of the built player; raises StorageError if the player was not built."""
    file = resources.files("jupyter_recorder.replay") / "static" / name
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(
            f"the player is not built ({name} is missing): reinstall jupyter-recorder, "
            "or run `jlpm install && jlpm build:prod` in labextension/",
            path=str(file),
        ) from error
