"""What happens to recordings, told to the server's event system (jupyter_events)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jupyter_events import EventLogger

SCHEMA: Final = Path(__file__).parent / "schemas" / "recording.yaml"
SCHEMA_ID: Final = "https://events.jupyter.org/jupyter_recorder/recording/v1"
_ACTIONS: Final = {
    "started": "started",
    "resumed": "started",
    "completed": "stopped",
    "interrupted": "stopped",
    "lost": "stopped",
    "failed": "failed",
}


class Emitter:
    """Emits events through `logger`."""

    def __init__(self, logger: EventLogger) -> None:
        self._logger = logger
        logger.register_event_schema(SCHEMA)

    def changed(self, recording_id: str, what: str, detail: dict[str, Any]) -> None:
        """Tell what happened to a recording; what is no event of the schema is not told."""
        action = _ACTIONS.get(what)
        if action is None:
            return
        known: dict[str, Any] = {key: detail[key] for key in ("session_id", "name", "kind") if key in detail}
        reason = str(detail.get("error", what))
        self._logger.emit(
            schema_id=SCHEMA_ID, data={"action": action, "recording_id": recording_id, **known, "reason": reason}
        )
