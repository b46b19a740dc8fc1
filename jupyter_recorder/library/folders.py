"""Where recordings are kept: the root, folders made elsewhere, and taking a folder away."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Final

from ..errors import CorruptState, StorageError
from ..files import Files, make_folders, read_small, storage_errors, write_atomic
from ..ids import is_safe_id, session_folder_id
from ..journal.codec import decode_object, encode_line
from .locks import short_lock

ELSEWHERE: Final = "elsewhere.json"
NEW: Final = ".new-"
GONE: Final = ".gone-"
ENVIRONMENT: Final = "JUPYTER_RECORDER_DIR"
_LIMIT: Final = 1 << 24
_PLAIN_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")


def default_root(template: str | None = None) -> Path:
    """Return where recordings go: `JUPYTER_RECORDER_DIR`, else `template`, else `<jupyter data dir>/recorder`.

    `{user}` in either stands for the user's name, and a leading `~` for the home folder.
    """
    chosen = os.environ.get(ENVIRONMENT) or template
    if chosen:
        return Path(chosen.replace("{user}", _user()) if "{user}" in chosen else chosen).expanduser().absolute()
    from jupyter_core.paths import jupyter_data_dir  # slow to import, and seldom wanted

    return Path(jupyter_data_dir()).absolute() / "recorder"


def _user() -> str:
    import getpass

    user = getpass.getuser()
    return user if _PLAIN_USER.fullmatch(user) else session_folder_id(user)  # the environment may say `../x`


def usable_folder(path: Path, files: Files) -> Path:
    """Return `path`, made if it is missing; raises `StorageError` if that cannot be."""
    if "\0" in str(path):
        raise StorageError("a folder's name can't hold a NUL character", path=str(path))
    with storage_errors("can't make the folder of recordings", path):
        make_folders(files, path)
    return path


def read_elsewhere(root: Path) -> list[Path]:
    """Return the folders of recordings made outside `root`; a list that cannot be read counts as empty."""
    try:
        raw = decode_object(read_small(root / ELSEWHERE, _LIMIT)) or {}
    except OSError:
        return []
    paths = raw.get("paths")
    texts = [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []
    return [Path(text) for text in dict.fromkeys(texts) if os.path.isabs(text) and is_safe_id(Path(text).name)]


def change_elsewhere(root: Path, files: Files, *, add: Path | None = None, remove: Path | None = None) -> None:
    """Add or remove one path in the list of folders outside `root`; others may do so at the same time."""
    with storage_errors("can't note where the recording is", root), short_lock(root / f".{ELSEWHERE}.lock", files):
        _keep_if_unreadable(root, files)
        paths = [path for path in read_elsewhere(root) if path not in (add, remove)] + ([add] if add else [])
        write_atomic(files, root / ELSEWHERE, encode_line({"paths": [str(path) for path in paths]}))


def _keep_if_unreadable(root: Path, files: Files) -> None:
    path = root / ELSEWHERE
    if os.path.islink(path):
        raise CorruptState(str(path), "a symbolic link")
    with contextlib.suppress(FileNotFoundError):
        if decode_object(read_small(path, _LIMIT)) is None:
            files.rename(path, root / f"{ELSEWHERE}.broken")


def remove_folder(files: Files, path: Path) -> None:
    """Remove a folder with all it holds, links themselves and never what they name; raises `OSError`.

    It loses its name first: a crash half-way leaves a `.gone-` folder that the next recovery removes, and never half
    a recording.
    """
    gone = path
    if not path.name.startswith("."):
        gone = path.with_name(f"{GONE}{path.name}-{os.urandom(4).hex()}")
        files.rename(path, gone)
    _remove_tree(files, gone)
    files.sync_folder(path.parent)


def _remove_tree(files: Files, folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # another process may be removing it too
        with os.scandir(folder) as entries:
            found = sorted((entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries)
        for path, is_folder in found:
            if is_folder:
                _remove_tree(files, Path(path))
            else:
                with contextlib.suppress(FileNotFoundError):
                    files.unlink(Path(path))
        files.rmdir(folder)
