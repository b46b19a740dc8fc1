"""Authorisers for a server under test: one allows reading alone, one writing alone, on what is recorded."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth import Authorizer


class ReadOnly(Authorizer):
    """Allows `read`, and nothing else on the resource `recording`."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "recording" or action == "read"


class WriteOnly(Authorizer):
    """Allows `write`, and nothing else on the resource `recording`."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "recording" or action == "write"
