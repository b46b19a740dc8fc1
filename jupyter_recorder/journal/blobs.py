"""Payloads over 64 KiB: each in a file named by its sha256, so that journal lines stay short."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..files import Files, make_folders, read_small, write_atomic
from .codec import BLOB_BYTES, NOT_JSON, clean_text, decode, encode

FOLDER: Final = "blobs"
TEXT: Final = "text/plain"
JSON: Final = "application/json"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_READ_LIMIT: Final = 1 << 30


class Blob(NamedTuple):
    """One payload: the sha256 of `data` in hex, and the bytes."""

    sha256: str
    data: bytes


def split_payloads(value: Any, blobs: list[Blob], mime: str = TEXT) -> Any:
    """Return `value` with every payload over 64 KiB replaced by its reference; the payloads go to `blobs`.

    In a mapping from MIME types (an output's `data`) a large value becomes a reference as a whole; elsewhere
    large strings do. Returns the same object if nothing was large.
    """
    if isinstance(value, str):
        return _text_reference(value, blobs, mime)
    if isinstance(value, dict):
        changed = {key: _split_item(key, item, blobs, mime) for key, item in value.items()}
        return changed if any(changed[key] is not value[key] for key in value) else value
    if isinstance(value, list | tuple):
        items = [split_payloads(item, blobs, mime) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value


def _split_item(key: object, item: Any, blobs: list[Blob], mime: str) -> Any:
    if isinstance(key, str) and "/" in key:
        if isinstance(item, str):  # under a JSON type too, a string comes back as that string: its blob is text
            return _text_reference(item, blobs, TEXT if key.endswith("json") else key)
        if isinstance(item, dict | list) and len(data := encode(item)) > BLOB_BYTES:
            return _reference(data, blobs, key if key.endswith("json") else JSON)
        return item
    return split_payloads(item, blobs, mime)


def _text_reference(text: str, blobs: list[Blob], mime: str) -> Any:
    if len(text) * 4 <= BLOB_BYTES:
        return text
    try:
        data = text.encode()
    except UnicodeEncodeError:
        data = clean_text(text).encode()
    return _reference(data, blobs, mime) if len(data) > BLOB_BYTES else text


def _reference(data: bytes, blobs: list[Blob], mime: str) -> dict[str, Any]:
    blob = Blob(hashlib.sha256(data).hexdigest(), data)
    blobs.append(blob)
    return {"blob": blob.sha256, "size": len(data), "mime": mime}


def is_reference(value: Any) -> bool:
    """Tell whether `value` has the form of a reference to a blob."""
    if not isinstance(value, dict) or set(value) != {"blob", "size", "mime"}:
        return False
    return isinstance(value["blob"], str) and _SHA256.fullmatch(value["blob"]) is not None


def join_payloads(folder: Path, value: Any) -> Any:
    """Return `value` with every reference replaced by its payload; one that can't be read stays as it is."""
    if isinstance(value, dict):
        if is_reference(value):
            return _load(folder, value)
        return {key: join_payloads(folder, item) for key, item in value.items()}
    if isinstance(value, list):
        return [join_payloads(folder, item) for item in value]
    return value


def _load(folder: Path, reference: dict[str, Any]) -> Any:
    mime = reference["mime"]
    try:
        data = read_blob(folder, reference["blob"])
        return decode(data) if isinstance(mime, str) and mime.endswith("json") else data.decode()
    except (OSError, *NOT_JSON):
        return reference


def read_blob(folder: Path, sha256: str) -> bytes:
    """Return the bytes of a blob of the recording in `folder`; `OSError` if there is none."""
    if _SHA256.fullmatch(sha256) is None:
        raise FileNotFoundError(f"{sha256[:80]!r} is not the name of a blob")
    return read_small(folder / FOLDER / sha256, _READ_LIMIT)


def write_blobs(files: Files, folder: Path, blobs: Iterable[Blob]) -> None:
    """Put the blobs on the disk; one that stands there already is the same by its name."""
    place = folder / FOLDER
    make_folders(files, place)
    found = False
    for blob in blobs:
        path = place / blob.sha256
        if path.exists() and os.path.getsize(path) == len(blob.data):
            found = True
        else:
            write_atomic(files, path, blob.data)
    if found:  # its name may be younger than the last sync that succeeded
        files.sync_folder(place)
