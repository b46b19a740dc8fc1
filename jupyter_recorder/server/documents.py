"""The interface's own descriptions, as OpenAPI 3.1 and AsyncAPI 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import RecorderHandler

FOLDER: Final = Path(__file__).parent / "schemas"
DOCUMENTS: Final = ("openapi.yaml", "asyncapi.yaml")


class DocumentHandler(RecorderHandler):
    """`GET /openapi.yaml` and `GET /asyncapi.yaml`."""

    @web.authenticated
    @authorized
    def get(self, name: str) -> None:
        """Send one."""
        self.set_header("Content-Type", "application/yaml")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish((FOLDER / name).read_bytes())


ROUTES: Final[list[tuple[str, Any]]] = [(rf"/({'|'.join(DOCUMENTS)})".replace(".", r"\."), DocumentHandler)]
