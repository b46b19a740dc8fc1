"""The local model server, and a recording that listens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from listening import KEY, Listening
from model_server import ModelServer, serving

from jupyter_recorder import active
from jupyter_recorder.capture import llm
from jupyter_recorder.library.library import Library


@pytest.fixture(scope="session")
def served() -> Iterator[ModelServer]:
    """The server."""
    with serving() as model:
        yield model


@pytest.fixture
def model(served: ModelServer) -> Iterator[ModelServer]:
    """The server, with nothing left of another test."""
    served.answers.clear()
    served.asked.clear()
    yield served
    assert [] == served.answers


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    """A recording with `%record chat on`; nothing of the key that the tests show may be in its files."""
    library = Library(tmp_path / "root")
    recorder = active.start("calls", library=library)
    llm.on()
    found = Listening(recorder, library)
    try:
        yield found
    finally:
        llm.off()
        if recorder.active:
            active.stop()
        assert KEY.encode() not in found.folder_bytes()
