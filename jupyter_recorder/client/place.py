"""Where an outbox stands if nobody says so: the first free one for this server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ..errors import OutboxInUse
from ..ids import slug
from .outbox import Outbox

_MOST: Final = 100


def default_folder(url: str) -> Path:
    """Return this user's folder for what goes to the server at `url`."""
    from jupyter_core.paths import jupyter_data_dir  # slow to import, and seldom wanted

    digest = hashlib.sha256(url.encode()).hexdigest()[:16]
    return Path(jupyter_data_dir()) / "recorder-outbox" / f"{slug(urlsplit(url).netloc)}-{digest}"


def first_free(url: str) -> Outbox:
    """Open the first outbox for this server that nobody uses; what a dead client left there is sent along."""
    folder = default_folder(url)
    for number in range(1, _MOST):
        try:
            return Outbox(folder / str(number))
        except OutboxInUse:
            continue
    return Outbox(folder / str(_MOST))
