"""ZIP archives, as ChatGPT and Claude.ai send their exports: the conversations in them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from ..errors import ImportFailed

_MAGIC: Final = b"PK\x03\x04"
_CONVERSATIONS: Final = re.compile(r"(?:.*/)?conversations(?:-[0-9]{1,6})?\.json")
_MOST: Final = 10_000


def is_archive(head: bytes) -> bool:
    """Tell a ZIP archive by how it begins."""
    return head.startswith(_MAGIC)


def conversations(path: Path) -> list[zipfile.ZipInfo]:
    """Return the members that hold conversations, in order; raises `ImportFailed` if there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ImportFailed(f"it is a damaged archive: {error}") from error
    found = [member for member in members[:_MOST] if _CONVERSATIONS.fullmatch(member.filename)]
    if not found:
        raise ImportFailed("it is an archive without a conversations.json; unpack it, and import a file of it")
    return sorted(found, key=lambda member: member.filename)
