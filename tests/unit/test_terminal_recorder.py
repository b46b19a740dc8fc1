"""TerminalRecorder: what it writes, and that the session it records never hears of it."""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from faults import Fault, FaultyFiles
from together import at_once

from jupyter_recorder import RecordingConfig, TerminalRecorder
from jupyter_recorder.asciicast import recorder as module
from jupyter_recorder.asciicast.format import Event
from jupyter_recorder.asciicast.reader import read
from jupyter_recorder.errors import InvalidEvent, PersistFailed, RecError, StorageError

ID = "session-1"
METADATA = {"user": "ana", "from": "192.0.2.7"}

Make = Callable[..., TerminalRecorder]


@pytest.fixture
def config(tmp_path: Path) -> RecordingConfig:
    """Records into a folder that is not there yet."""
    return RecordingConfig(output_dir=tmp_path / "recordings")


@pytest.fixture
def make(config: RecordingConfig) -> Iterator[Make]:
    """Makes recorders, and ends them with the test."""
    made: list[TerminalRecorder] = []

    def make(session_id: str = ID, *, begun: bool = True, **more: Any) -> TerminalRecorder:
        settings = {"width": 80, "height": 24, "metadata": METADATA, **more}
        made.append(TerminalRecorder(settings.pop("config", config), session_id, **settings))
        if begun:
            made[-1].start()
        return made[-1]

    yield make
    for recorder in made:
        recorder.stop()


def lines(recorder: TerminalRecorder) -> list[Any]:
    """Return the lines of a `.cast` as strict JSON, each ended by a newline."""
    assert recorder.path is not None
    text = recorder.path.read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return [json.loads(line, parse_constant=lambda _: pytest.fail("not JSON")) for line in text.split("\n")[:-1]]


def events(recorder: TerminalRecorder) -> list[tuple[str, str]]:
    """Return the codes and data of a `.cast`'s events."""
    return [(code, data) for _, code, data in lines(recorder)[1:]]


def sidecar(recorder: TerminalRecorder) -> dict[str, Any]:
    """Return what a recorder's sidecar says."""
    assert recorder.path is not None
    found: dict[str, Any] = json.loads(recorder.path.with_suffix(".json").read_bytes())
    return found


def names(config: RecordingConfig) -> list[str]:
    """Return what stands in the output folder."""
    return sorted(os.listdir(config.output_dir))


# -- initialisation


def test_the_names_and_defaults_of_the_configuration() -> None:
    """What is not said is: on, into /data/recordings, asciicast, with metadata and input, byte-true."""
    assert RecordingConfig(
        enabled=True,
        output_dir="/data/recordings",
        format="asciicast",
        capture_metadata=True,
        record_input=True,
        redact=False,
    ) == (RecordingConfig())


def test_a_disabled_recorder_does_nothing(make: Make, config: RecordingConfig) -> None:
    """With `enabled` off all calls are taken, and neither file nor folder is made."""
    config.enabled = False
    recorder = make()
    recorder.record_output(b"x")
    recorder.stop()
    recorder.write_metadata()
    assert (False, None, None) == (recorder.active, recorder.path, recorder.error)
    assert not Path(config.output_dir).exists()


def test_no_file_before_start(make: Make, config: RecordingConfig) -> None:
    """A recorder that was only made has touched nothing."""
    recorder = make(begun=False)
    assert (False, None) == (recorder.active, recorder.path)
    assert not Path(config.output_dir).exists()


def test_what_it_was_given_can_be_read_back(make: Make, config: RecordingConfig) -> None:
    """The parameters are attributes."""
    told: list[Exception] = []
    recorder = make(begun=False, on_error=told.append)
    found = (recorder.config, recorder.session_id, recorder.width, recorder.height, recorder.metadata)
    assert (config, ID, 80, 24, METADATA) == found
    assert told.append == recorder.on_error


# -- start


def test_start_makes_folder_and_file(make: Make, config: RecordingConfig) -> None:
    """After `start()` the missing folders and the `.cast` are there, and it is active."""
    config.output_dir = Path(config.output_dir) / "a" / "b"
    recorder = make()
    assert recorder.active
    assert config.output_dir / "session-1.cast" == recorder.path
    assert ["session-1.cast"] == names(config)


def test_the_header_is_asciicast_version_2(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line 1 holds version, size, a whole timestamp, SHELL and TERM alone, and the metadata."""
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in {"SHELL": "/bin/sh", "TERM": "xterm", "SECRET": "x"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_216_501_900_000_000)
    header = lines(make(width=100, height=30))[0]
    assert {
        "version": 2,
        "width": 100,
        "height": 30,
        "timestamp": 1_795_216_501,
        "env": {"SHELL": "/bin/sh", "TERM": "xterm"},
        "metadata": METADATA,
    } == header


def test_a_header_is_compact_and_there_at_once(make: Make) -> None:
    """The header stands in the file when `start()` returns, without blanks between its members."""
    recorder = make()
    assert recorder.path is not None
    assert recorder.path.read_bytes().startswith(b'{"version":2,"width":80,"height":24,"timestamp":')


def test_without_capture_metadata_the_header_has_none(make: Make, config: RecordingConfig) -> None:
    """With `capture_metadata` off, who it was stays out of the file."""
    config.capture_metadata = False
    assert "metadata" not in lines(make())[0]


def test_files_are_private_from_the_start(make: Make, config: RecordingConfig) -> None:
    """Folders are 0700, the `.cast` and the sidecar 0600, whatever the umask."""
    before = os.umask(0)
    try:
        config.output_dir = Path(config.output_dir) / "a"
        recorder = make()
        recorder.write_metadata()
        assert recorder.path is not None
        paths = (recorder.path.parent.parent, recorder.path.parent, recorder.path, recorder.path.with_suffix(".json"))
        assert [0o700, 0o700, 0o600, 0o600] == [stat.S_IMODE(path.stat().st_mode) for path in paths]
    finally:
        os.umask(before)


def test_a_folder_that_cannot_be_made_is_told_and_not_raised(make: Make, config: RecordingConfig) -> None:
    """An unwritable place gives an inactive recorder with an error that names session, reason and place."""
    told: list[Exception] = []
    files = FaultyFiles(Fault("mkdir", error=errno.EACCES))
    recorder = make(files=files, on_error=told.append)
    assert not recorder.active
    assert [recorder.error] == told
    assert isinstance(recorder.error, StorageError)
    assert errno.EACCES == recorder.error.errno
    assert f"session 'session-1' can't be recorded: Permission denied ({config.output_dir})" == str(recorder.error)


def test_a_file_in_the_place_of_the_folder_is_told(make: Make, config: RecordingConfig) -> None:
    """An `output_dir` that is no folder is a failure, and the file there stays as it is."""
    Path(config.output_dir).write_text("mine")
    recorder = make()
    assert isinstance(recorder.error, StorageError)
    assert "mine" == Path(config.output_dir).read_text()


def test_what_comes_after_a_failed_start_is_counted(make: Make) -> None:
    """Nothing is lost in silence: `error` says how much, and a later sidecar too."""
    fault = Fault("create", error=errno.ENOSPC)
    recorder = make(files=FaultyFiles(fault))
    recorder.record_output("é".encode())
    recorder.record_input(b"q")
    fault.on = False
    recorder.stop()
    recorder.write_metadata()
    (path,) = Path(recorder.config.output_dir).iterdir()
    assert "2 events (3 bytes) could not be recorded" in json.loads(path.read_bytes())["error"]
    assert ("session-1.json", 0) == (path.name, json.loads(path.read_bytes())["bytes"])


def test_a_failed_start_can_be_tried_again(make: Make) -> None:
    """Once there is room, a second `start()` begins."""
    fault = Fault("write", "*.cast", errno.ENOSPC)
    recorder = make(files=FaultyFiles(fault))
    assert (False, []) == (recorder.active, names(recorder.config))
    fault.on = False
    recorder.start()
    assert recorder.active


def test_starting_twice_is_starting_once(make: Make) -> None:
    """A second `start()` while it records changes nothing."""
    recorder = make()
    recorder.start()
    assert (["session-1.cast"], None) == (names(recorder.config), recorder.error)


def test_a_format_that_is_not_asciicast_is_told(make: Make, config: RecordingConfig) -> None:
    """An unknown `format` records nothing and says so."""
    config.format = "gif"
    assert "can't be recorded as 'gif'" in str(make().error)


@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 24)])
def test_a_terminal_without_a_size_is_80_by_24(make: Make, width: int, height: int) -> None:
    """A client that has no size sends noughts; that is no failure."""
    recorder = make(width=width, height=height)
    assert ((80, 24), None) == ((lines(recorder)[0]["width"], lines(recorder)[0]["height"]), recorder.error)


@pytest.mark.parametrize(("width", "height"), [(-1, 24), (99_999_999, 1), (None, "x")])
def test_an_impossible_size_is_80_by_24_and_told(make: Make, width: Any, height: Any) -> None:
    """The file still plays, and `error` says what was wrong."""
    recorder = make(width=width, height=height)
    assert (80, 24) == (lines(recorder)[0]["width"], lines(recorder)[0]["height"])
    assert isinstance(recorder.error, InvalidEvent)


def test_metadata_that_is_no_json_costs_itself_alone(make: Make) -> None:
    """Metadata that contains itself is told, once, and the session is recorded."""
    told: list[Exception] = []
    endless: list[Any] = []
    endless.append(endless)
    recorder = make(metadata=endless, on_error=told.append)
    recorder.record_output(b"x")
    recorder.write_metadata()
    assert ([("o", "x")], 1) == (events(recorder), len(told))
    assert {} == sidecar(recorder)["metadata"]


def test_metadata_over_its_bound_is_told_and_the_session_is_recorded(make: Make) -> None:
    """Over 1 MiB of it is left out, and the error says how much it was."""
    told: list[Exception] = []
    recorder = make(metadata={"text": "x" * (1 << 20)}, on_error=told.append)
    recorder.record_output(b"x")
    recorder.write_metadata()
    assert ([("o", "x")], {}) == (events(recorder), sidecar(recorder)["metadata"])
    assert ["the metadata takes 1048587 bytes, over 1048576"] == [str(one).rpartition(": ")[2] for one in told]


# -- names


def test_a_used_id_never_touches_the_older_files(make: Make) -> None:
    """A reused session id takes the next free name, for `.cast` and sidecar both, and the older stay byte for byte."""
    first = make()
    first.record_output(b"first")
    first.stop()
    first.write_metadata()
    assert first.path is not None
    before = (first.path.read_bytes(), first.path.with_suffix(".json").read_bytes())
    for _ in range(2):
        again = make()
        again.record_output(b"again")
        again.stop()
        again.write_metadata()
    assert before == (first.path.read_bytes(), first.path.with_suffix(".json").read_bytes())
    expected = [f"session-1{take}.{ending}" for take in ("-2", "-3", "") for ending in ("cast", "json")]
    assert expected == names(first.config)


def test_a_sidecar_without_its_cast_is_not_replaced_either(make: Make, config: RecordingConfig) -> None:
    """A name whose sidecar is taken is taken."""
    Path(config.output_dir).mkdir()
    (Path(config.output_dir) / "session-1.json").write_text("mine")
    recorder = make()
    recorder.write_metadata()
    assert ["session-1-2.cast", "session-1-2.json", "session-1.json"] == names(config)
    assert "mine" == (Path(config.output_dir) / "session-1.json").read_text()


def test_a_session_without_a_cast_gets_no_other_sessions_name(make: Make, config: RecordingConfig) -> None:
    """What could not be begun still says so in a sidecar, which does not stand beside another session's `.cast`."""
    Path(config.output_dir).mkdir()
    (Path(config.output_dir) / "session-1.cast").write_text("another's")
    config.format = "gif"
    make().write_metadata()
    assert ["session-1-2.json", "session-1.cast"] == names(config)
    told = json.loads((Path(config.output_dir) / "session-1-2.json").read_bytes())
    assert (ID, "session 'session-1' can't be recorded as 'gif'; 'asciicast' can be had") == (
        told["session_id"],
        told["error"],
    )


def test_one_id_at_the_same_time_gives_a_file_each(make: Make) -> None:
    """Recorders that start with one id at once never share a file."""
    recorders = [make(begun=False) for _ in range(8)]
    assert [] == at_once(*[recorder.start for recorder in recorders])
    assert 8 == len({recorder.path for recorder in recorders} - {None}) == len(names(recorders[0].config))


def test_a_link_in_the_place_of_the_file_is_not_followed(make: Make, config: RecordingConfig, tmp_path: Path) -> None:
    """A symbolic link with the session's name, dangling or not, counts as taken."""
    Path(config.output_dir).mkdir()
    (Path(config.output_dir) / "session-1.cast").symlink_to(tmp_path / "elsewhere")
    recorder = make()
    assert "session-1-2.cast" == (recorder.path or Path()).name
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("session_id", [ID, "Ana@10.0.0.1", "2026-11-20_23.15", "séance 7", "x" * 200])
def test_an_id_that_can_be_a_file_name_is_one(make: Make, session_id: str) -> None:
    """Such an id names its files as it stands."""
    assert f"{session_id}.cast" == (make(session_id).path or Path()).name


ATTACKS = ["", "../x", "..", "a/b", "a\\b", "a\0b", ".hidden", "-rf", "CON", "nul.txt", "x.", "x ", "a:b", "\u202ex"]


@pytest.mark.parametrize("session_id", [*ATTACKS, "\ud800", "x" * 4096])
def test_an_id_that_can_be_no_file_name_stays_in_the_folder(make: Make, session_id: str) -> None:
    """Such an id gives a derived name of its own, and the sidecar keeps what it was."""
    recorder = make(session_id)
    recorder.write_metadata()
    assert recorder.path is not None
    stem = recorder.path.stem
    assert [f"{stem}.cast", f"{stem}.json"] == names(recorder.config)
    assert stem.isascii()
    assert 16 == len(stem.rpartition("-")[2])
    assert session_id.replace("\ud800", "\ufffd") == sidecar(recorder)["session_id"]


# -- events


def test_the_three_kinds_of_events(make: Make) -> None:
    """Output is `o`, input `i`, a new size `r` as COLSxROWS; each stands in the file when the call returns."""
    recorder = make()
    recorder.record_output(b"$ ")
    recorder.record_input(b"ls\r")
    recorder.record_resize(100, 30)
    assert [("o", "$ "), ("i", "ls\r"), ("r", "100x30")] == events(recorder)
    assert {"o": 1, "i": 1, "r": 1} == recorder.events


def test_times_are_seconds_since_the_start_and_never_go_back(make: Make) -> None:
    """Times begin near nought, do not decrease, and stay below the time that has passed."""
    begun = time.monotonic()
    recorder = make()
    for _ in range(50):
        recorder.record_output(b"x")
    passed = time.monotonic() - begun
    times = [time for time, _, _ in lines(recorder)[1:]]
    assert sorted(times) == times
    assert 0 <= times[0]
    assert times[-1] <= passed


def test_a_wall_clock_that_is_set_back_changes_no_time(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are timed by the monotonic clock."""
    recorder = make()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    recorder.record_output(b"x")
    assert 0 <= lines(recorder)[1][0] < 60


def test_bytes_that_are_no_utf_8_become_replacement_characters(make: Make) -> None:
    """The file is valid UTF-8 whatever a program prints."""
    recorder = make()
    recorder.record_output(b"a\xff\xfeb\x00\x1b[0m")
    assert [("o", "a\ufffd\ufffdb\x00\x1b[0m")] == events(recorder)


def test_a_character_cut_over_two_reads_is_whole(make: Make) -> None:
    """Each direction is decoded as one stream, for itself."""
    recorder = make()
    euro = "€".encode()
    recorder.record_output(euro[:1])
    recorder.record_input(euro[:2])
    recorder.record_output(euro[1:])
    recorder.record_input(euro[2:])
    assert [("o", "€"), ("i", "€")] == events(recorder)


def test_a_character_that_was_never_finished_is_told_at_the_end(make: Make) -> None:
    """What is left of a character when it stops is one U+FFFD."""
    recorder = make()
    recorder.record_output(b"a\xe2\x82")
    recorder.stop()
    assert [("o", "a"), ("o", "\ufffd")] == events(recorder)


def test_text_is_taken_as_its_utf_8(make: Make) -> None:
    """A proxy that decodes by itself loses nothing."""
    recorder = make()
    recorder.record_output("é")  # type: ignore[arg-type]
    assert [("o", "é")] == events(recorder)


@pytest.mark.parametrize("data", [bytearray(b"x"), memoryview(b"x")])
def test_whatever_holds_bytes_is_taken(make: Make, data: Any) -> None:
    """Buffers are recorded as their bytes."""
    recorder = make()
    recorder.record_output(data)
    assert [("o", "x")] == events(recorder)


@pytest.mark.parametrize("data", [None, 7, ["x"], object()])
def test_what_is_no_data_is_told_and_not_raised(make: Make, data: Any) -> None:
    """A wrong argument is counted as lost, and the next event is recorded."""
    recorder = make()
    recorder.record_output(data)
    recorder.record_output(b"x")
    assert isinstance(recorder.error, InvalidEvent)
    assert "1 event (0 bytes) could not be recorded" in str(recorder.error)
    assert [("o", "x")] == events(recorder)


def test_nothing_is_no_event(make: Make) -> None:
    """Empty reads leave no line."""
    recorder = make()
    recorder.record_output(b"")
    recorder.record_resize(0, 0)
    assert ([], None) == (events(recorder), recorder.error)


@pytest.mark.parametrize("size", [(-1, 5), (99_999_999, 1), (None, 24), ("x", "y")])
def test_an_impossible_new_size_is_told_and_not_written(make: Make, size: Any) -> None:
    """A player would refuse such a size."""
    recorder = make()
    recorder.record_resize(*size)
    assert ([], InvalidEvent) == (events(recorder), type(recorder.error))


def test_input_is_left_out_if_the_configuration_says_so(make: Make, config: RecordingConfig) -> None:
    """With `record_input` off nothing that is typed is in the file."""
    config.record_input = False
    recorder = make()
    recorder.record_input(b"password\r")
    assert ([], {"o": 0, "i": 0, "r": 0}) == (events(recorder), recorder.events)


def test_a_large_read_is_written_in_lines_that_readers_take(make: Make) -> None:
    """Megabytes at once are several events, and the text is that of the whole."""
    recorder = make()
    text = "é\x1b" * 200_000
    recorder.record_output(text.encode())
    assert recorder.path is not None
    assert max(map(len, recorder.path.read_bytes().split(b"\n"))) < 1_000_000
    assert text == "".join(data for _, data in events(recorder))


def test_before_start_and_after_stop_events_are_no_events(make: Make) -> None:
    """Off, all calls are taken and change nothing."""
    recorder = make(begun=False)
    recorder.record_output(b"early")
    recorder.start()
    recorder.stop()
    assert recorder.path is not None
    before = recorder.path.read_bytes()
    recorder.record_output(b"late")
    recorder.record_input(b"late")
    recorder.record_resize(1, 1)
    assert (before, None) == (recorder.path.read_bytes(), recorder.error)


def test_secrets_are_taken_out_if_wanted(make: Make, config: RecordingConfig) -> None:
    """With `redact` on, a secret cut over two reads is not in the `.cast`, nor one in the metadata in either file."""
    config.redact = True
    token = "ghp_" + "a1B2" * 9
    recorder = make(metadata={"command": f"curl -H 'Authorization: Bearer {token}'"})
    recorder.record_output(f"token {token[:12]}".encode())
    recorder.record_output(f"{token[12:]} end\r\n".encode())
    recorder.stop()
    recorder.write_metadata()
    assert recorder.path is not None
    written = recorder.path.read_text() + recorder.path.with_suffix(".json").read_text()
    assert "[redacted:github-token] end" in "".join(data for _, data in events(recorder))
    assert token not in written
    assert token[12:] not in written


def test_what_redaction_holds_back_stands_before_a_new_size(make: Make, config: RecordingConfig) -> None:
    """Output that may be the beginning of a secret keeps its place before the size that came after it."""
    config.redact = True
    recorder = make()
    recorder.record_output(b"ghp_")
    recorder.record_resize(100, 30)
    assert [("o", "ghp_"), ("r", "100x30")] == events(recorder)


def test_what_redaction_holds_back_comes_by_itself(make: Make, config: RecordingConfig) -> None:
    """A prompt that looks like the beginning of a secret is written though nothing follows it."""
    config.redact = True
    files = FaultyFiles()
    recorder = make(files=files)
    recorder.record_output(b"ghp_")
    assert files.wait_for("write", "*.cast", times=2)
    assert [("o", "ghp_")] == events(recorder)


def test_threads_give_whole_lines(make: Make) -> None:
    """Events from several threads stand each on a line of its own, none lost."""
    recorder = make()

    def show(letter: str) -> None:
        for _ in range(200):
            recorder.record_output(letter.encode() * 50)

    assert [] == at_once(*[partial(show, letter) for letter in "abcd"])
    shown = sorted(data for _, data in events(recorder))
    assert sorted(letter * 50 for letter in "abcd" for _ in range(200)) == shown


def test_a_signal_handler_may_record(make: Make) -> None:
    """An event from a handler that interrupts another event has its own line, after that one."""

    class Interrupting(FaultyFiles):
        def before(self, kind: str, path: Path, size: int) -> int:
            if kind == "write" and self.count("write") == 1:
                signal.raise_signal(signal.SIGUSR1)
            return size

    recorder = make(files=Interrupting())
    before = signal.signal(signal.SIGUSR1, lambda *_: recorder.record_resize(100, 30))
    try:
        recorder.record_output(b"x")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [("o", "x"), ("r", "100x30")] == events(recorder)


def test_a_signal_handler_may_end_it(make: Make) -> None:
    """`stop()` and `write_metadata()` from a handler in the midst of an event end it once that is written."""

    class Interrupting(FaultyFiles):
        def before(self, kind: str, path: Path, size: int) -> int:
            if kind == "write" and self.count("write") == 1:
                signal.raise_signal(signal.SIGUSR1)
            return size

    def end(*_: object) -> None:
        recorder.stop(143)
        recorder.write_metadata()

    files = Interrupting()
    recorder = make(files=files)
    before = signal.signal(signal.SIGUSR1, end)
    try:
        recorder.record_output(b"x")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ([("o", "x")], False, 1) == (events(recorder), recorder.active, files.count("close", "*.cast"))
    assert 143 == sidecar(recorder)["exit_status"]


# -- durability


def test_events_are_synced_without_a_call(make: Make) -> None:
    """What was written is made durable by itself, with the file's name."""
    files = FaultyFiles()
    recorder = make(files=files)
    recorder.record_output(b"x")
    assert files.wait_for("datasync", "*.cast")
    assert files.wait_for("sync_folder", "recordings")


def test_syncs_are_50_ms_apart(make: Make) -> None:
    """However many events there are, at most one sync is made in 50 ms."""
    files = FaultyFiles()
    recorder = make(files=files)
    while files.count("datasync", "*.cast") < 4:
        recorder.record_output(b"x")
    times = [call.returned for call in files.calls if call.kind == "datasync"]
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.04


def test_nothing_is_synced_while_nothing_happens(make: Make) -> None:
    """While another session is synced three times over, one at rest is not."""
    files, other = FaultyFiles(), FaultyFiles()
    make(files=files).record_output(b"x")
    busy = make("busy", files=other)

    def syncs(times: int) -> int:
        while other.count("datasync", "busy.cast") < times:
            busy.record_output(b"x")
        return files.count("datasync", "session-1.cast")

    assert syncs(3) == syncs(6) > 0


def test_a_slow_sync_does_not_hold_the_session(make: Make) -> None:
    """While a sync hangs, events are written."""
    fault = Fault("datasync", "*.cast", hang=True)
    recorder = make(files=FaultyFiles(fault))
    assert fault.wait_hit()
    recorder.record_output(b"x")
    assert [("o", "x")] == events(recorder)
    fault.release.set()


def test_a_hanging_disk_does_not_hold_stop(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stop()` waits for a bounded time and says that it is not known to be safe."""
    monkeypatch.setattr(module, "STOP_SECONDS", 0.1)
    fault = Fault("datasync", "*.cast", hang=True)
    recorder = make(files=FaultyFiles(fault))
    recorder.stop()
    assert not recorder.active
    assert "the disk has not said in time that it is safe" in str(recorder.error)
    fault.release.set()


# -- failing disks


def test_a_full_disk_is_told_once_and_counted(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that is full for three events is one failure, in `error`, `on_error` and the log; `error` counts them."""
    told: list[Exception] = []
    fault = Fault("write", "*.cast", errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault), on_error=told.append)
    fault.on = True
    with caplog.at_level(logging.ERROR, "jupyter_recorder"):
        for data in (b"one", b"two", "drei €".encode()):
            recorder.record_output(data)
    assert ([recorder.error], 1) == (told, len(caplog.records))
    assert isinstance(recorder.error, PersistFailed)
    assert errno.ENOSPC == recorder.error.errno
    assert (
        f"session 'session-1': No space left on device ({recorder.path}); 3 events (14 bytes) could not be recorded"
        == (str(recorder.error))
    )
    assert recorder.active


@pytest.mark.parametrize("keep", [1, 10, 30])
def test_a_full_disk_leaves_no_torn_line(make: Make, keep: int) -> None:
    """What the disk took of a line is cut off again, so that the file plays."""
    fault = Fault("write", "*.cast", errno.ENOSPC, keep=keep, on=False)
    recorder = make(files=FaultyFiles(fault))
    recorder.record_output(b"before")
    fault.on = True
    recorder.record_output(b"x" * 100)
    assert [("o", "before")] == events(recorder)


def test_once_there_is_room_it_goes_on_and_says_what_is_missing(make: Make) -> None:
    """After a full disk the next event is recorded, with a marker before it that counts the lost ones."""
    fault = Fault("write", "*.cast", errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault))
    recorder.record_output(b"a")
    fault.on = True
    recorder.record_output(b"lost")
    fault.on = False
    recorder.record_output(b"b")
    recorder.record_output(b"c")
    expected = [("o", "a"), ("m", "1 event (4 bytes) could not be recorded"), ("o", "b"), ("o", "c")]
    assert expected == events(recorder)
    assert {"o": 3, "i": 0, "r": 0} == recorder.events


def test_what_is_missing_at_the_end_is_marked_too(make: Make) -> None:
    """Room that comes back before `stop()` is used to say what is missing."""
    fault = Fault("write", "*.cast", errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault))
    fault.on = True
    recorder.record_output(b"lost")
    fault.on = False
    recorder.stop()
    assert [("m", "1 event (4 bytes) could not be recorded")] == events(recorder)


def test_two_full_disks_are_two_failures(make: Make) -> None:
    """A failure after things went well again is told again."""
    told: list[Exception] = []
    fault = Fault("write", "*.cast", errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault), on_error=told.append)
    for _ in range(2):
        fault.on = True
        recorder.record_output(b"lost")
        fault.on = False
        recorder.record_output(b"kept")
    assert 2 == len(told)
    assert "2 events (8 bytes)" in str(recorder.error)


def test_nothing_is_written_behind_a_torn_line(make: Make) -> None:
    """While a torn line can't be cut off, events are lost and counted; afterwards the file is whole."""
    short = Fault("write", "*.cast", errno.ENOSPC, keep=5, nth=1)
    stuck = Fault("truncate", "*.cast", errno.EIO)
    recorder = make(files=FaultyFiles(short, stuck))
    recorder.record_output(b"one")
    recorder.record_output(b"two")
    stuck.on = False
    recorder.record_output(b"three")
    assert [("m", "2 events (6 bytes) could not be recorded"), ("o", "three")] == events(recorder)


def test_a_torn_line_that_stays_is_told(make: Make) -> None:
    """If even the end can't cut it off, `error` says that the last line is torn."""
    files = FaultyFiles(Fault("write", "*.cast", errno.ENOSPC, keep=5, nth=1), Fault("truncate", "*.cast", errno.EIO))
    recorder = make(files=files)
    recorder.record_output(b"one")
    recorder.stop()
    assert "its last line is torn" in str(recorder.error)


def test_a_failed_sync_ends_the_recording_and_says_so(make: Make) -> None:
    """After a failed sync nothing more is written to the file, what comes is counted, and no sync is tried again."""
    fault = Fault("datasync", "*.cast", errno.EIO)
    told = threading.Event()
    recorder = make(files=FaultyFiles(fault), on_error=lambda _: told.set())
    assert told.wait(20)
    recorder.record_output(b"late")
    recorder.stop()
    recorder.write_metadata()
    assert (False, 1, []) == (recorder.active, fault.hits, events(recorder))
    assert "nothing more is: Input/output error" in sidecar(recorder)["error"]
    assert "1 event (4 bytes) could not be recorded" in sidecar(recorder)["error"]


def test_a_sync_that_fails_at_the_end_is_in_the_sidecar(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last sync's failure is known when `stop()` returns, and told once."""
    monkeypatch.setattr("jupyter_recorder.asciicast.linefile.SYNC_SECONDS", 3600)
    told: list[Exception] = []
    recorder = make(files=FaultyFiles(Fault("datasync", "*.cast", errno.EIO)), on_error=told.append)
    recorder.stop()
    recorder.write_metadata()
    assert ([recorder.error], str(recorder.error)) == (told, sidecar(recorder)["error"])


def test_a_file_that_is_removed_is_a_failure(make: Make) -> None:
    """Who empties the folder under a recording is told, not left with a recording that is nowhere."""
    told = threading.Event()
    recorder = make(on_error=lambda _: told.set())
    assert recorder.path is not None
    recorder.path.unlink()
    recorder.record_output(b"x")
    assert told.wait(20)
    assert not recorder.active
    assert "the file was removed" in str(recorder.error)


def test_a_folder_that_cannot_be_synced_is_told_and_recorded_into(make: Make) -> None:
    """The file goes on: what is not known to be safe is its name alone."""
    told = threading.Event()
    recorder = make(files=FaultyFiles(Fault("sync_folder", "recordings", errno.EIO)), on_error=lambda _: told.set())
    assert told.wait(20)
    recorder.record_output(b"x")
    assert (True, [("o", "x")]) == (recorder.active, events(recorder))


def test_what_on_error_raises_is_swallowed(make: Make) -> None:
    """A failing `on_error` changes nothing for the session."""

    def on_error(error: Exception) -> None:
        raise ValueError(error)

    recorder = make(begun=False)
    recorder.on_error = on_error
    recorder.start()
    recorder.record_output(None)  # type: ignore[arg-type]
    recorder.record_output(b"x")
    assert [("o", "x")] == events(recorder)


def test_on_error_may_end_the_recording(make: Make) -> None:
    """It is called with no lock held: `stop()` and `write_metadata()` in it work, and end in no circle."""
    fault = Fault("write", error=errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault))
    told: list[Exception] = []

    def on_error(error: Exception) -> None:
        told.append(error)
        recorder.stop()
        recorder.write_metadata()

    recorder.on_error = on_error
    fault.on = True
    recorder.record_output(b"x")
    assert (False, 2) == (recorder.active, len(told))
    assert "its sidecar can't be written" in str(told[1])


# -- stop


def test_stop_ends_it(make: Make) -> None:
    """After `stop()` it is inactive, and the file is synced and closed."""
    files = FaultyFiles()
    recorder = make(files=files)
    recorder.stop()
    assert not recorder.active
    kinds = [call.kind for call in files.calls if call.path.suffix == ".cast"]
    assert ["datasync", "close"] == kinds[-2:]


def test_stopping_twice_is_stopping_once(make: Make) -> None:
    """The second time changes nothing, and neither forgets the exit status nor the end."""
    recorder = make()
    recorder.stop(3)
    recorder.write_metadata()
    before = sidecar(recorder)
    recorder.stop()
    recorder.write_metadata()
    assert (before, 3) == (sidecar(recorder), before["exit_status"])


def test_stopping_what_never_started_does_nothing(make: Make, config: RecordingConfig) -> None:
    """A proxy's `finally` may come before `start()`: no file, no sidecar, no error."""
    recorder = make(begun=False)
    recorder.stop(0)
    recorder.write_metadata()
    assert (None, False) == (recorder.error, Path(config.output_dir).exists())


def test_starting_after_the_end_is_told(make: Make) -> None:
    """A recorder is for one session: a program that starts it again is told that it is not recording."""
    recorder = make()
    recorder.stop()
    recorder.start()
    assert (False, RecError) == (recorder.active, type(recorder.error))


def test_the_sidecar_says_who_when_and_how(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds id, metadata, start, end, duration, counts, size and exit status, and `error` is null."""
    clock = {"wall": 1_795_216_501_900_000_000, "mono": 5_000_000_000}
    monkeypatch.setattr(module.time, "time_ns", lambda: clock["wall"])
    monkeypatch.setattr(module.time, "monotonic_ns", lambda: clock["mono"])
    recorder = make()
    recorder.record_output(b"x")
    recorder.record_output(b"y")
    recorder.record_input(b"q")
    recorder.record_resize(100, 30)
    clock["mono"] += 2_500_000_000
    recorder.stop(0)
    recorder.write_metadata()
    assert recorder.path is not None
    assert {
        "session_id": ID,
        "metadata": METADATA,
        "started_at": 1_795_216_501_900,
        "ended_at": 1_795_216_504_400,
        "duration": 2.5,
        "events": {"o": 2, "i": 1, "r": 1},
        "bytes": recorder.path.stat().st_size,
        "exit_status": 0,
        "error": None,
    } == sidecar(recorder)


def test_a_sidecar_before_the_end_has_no_end(make: Make) -> None:
    """Written while it records, it says how things stand, and the next one replaces it."""
    recorder = make()
    recorder.write_metadata()
    assert (None, 0) == (sidecar(recorder)["ended_at"], sidecar(recorder)["events"]["o"])
    recorder.record_output(b"x")
    recorder.stop()
    recorder.write_metadata()
    assert 1 == sidecar(recorder)["events"]["o"]
    assert sidecar(recorder)["ended_at"] >= sidecar(recorder)["started_at"]


def test_without_capture_metadata_there_is_no_sidecar(make: Make, config: RecordingConfig) -> None:
    """Disabled, `write_metadata()` writes nothing."""
    config.capture_metadata = False
    recorder = make()
    recorder.stop()
    recorder.write_metadata()
    assert ["session-1.cast"] == names(config)


def test_a_sidecar_that_cannot_be_written_is_told_and_the_old_one_stays(make: Make) -> None:
    """A full disk at the end costs the new sidecar alone, and leaves no part of it."""
    fault = Fault("write", ".*.tmp", errno.ENOSPC, on=False)
    recorder = make(files=FaultyFiles(fault))
    recorder.write_metadata()
    fault.on = True
    recorder.stop()
    recorder.write_metadata()
    assert "its sidecar can't be written: No space left on device" in str(recorder.error)
    assert (None, ["session-1.cast", "session-1.json"]) == (sidecar(recorder)["ended_at"], names(recorder.config))


# -- whole lifecycles


@pytest.mark.parametrize("capture_metadata", [True, False])
def test_a_whole_session(make: Make, config: RecordingConfig, capture_metadata: bool) -> None:
    """From start to sidecar, a session is a file that plays, with a sidecar if wanted."""
    config.capture_metadata = capture_metadata
    recorder = make(width=100, height=30)
    recorder.record_output(b"$ ")
    recorder.record_input(b"exit\r")
    recorder.record_output(b"exit\r\n")
    recorder.record_resize(80, 24)
    recorder.stop(0)
    recorder.write_metadata()
    assert recorder.path is not None
    cast = read(recorder.path)
    shown = [Event(0, event.code, event.data) for event in cast.events]
    assert [Event(0, "o", "$ "), Event(0, "i", "exit\r"), Event(0, "o", "exit\r\n"), Event(0, "r", "80x24")] == shown
    assert (0, False) == (cast.damage.lines, cast.damage.torn)
    assert ["session-1.cast", *(["session-1.json"] if capture_metadata else [])] == names(config)


CHILD = """
import os, sys
from jupyter_recorder import RecordingConfig, TerminalRecorder
recorder = TerminalRecorder(RecordingConfig(output_dir=sys.argv[1]), "s", 80, 24)
recorder.start()
recorder.record_output(b"parent")
pid = os.fork()
if pid == 0:
    before = sorted(os.listdir("/dev/fd"))
    print("child", recorder.active, flush=True)
    recorder.record_output(b"child")
    recorder.stop(1)
    recorder.write_metadata()
    os._exit(0)
os.waitpid(pid, 0)
print("parent", recorder.active, flush=True)
recorder.record_output(b"again")
recorder.stop(0)
recorder.write_metadata()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_leaves_the_recording_alone(tmp_path: Path) -> None:
    """In a child every call does nothing, and the parent's recording goes on."""
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ["child False", "parent True"] == run.stdout.splitlines()
    assert [("o", "parent"), ("o", "again")] == [(e.code, e.data) for e in read(tmp_path / "s.cast").events]
    assert 0 == json.loads((tmp_path / "s.json").read_bytes())["exit_status"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_keeps_no_descriptor(make: Make) -> None:
    """The file is not held open by a worker that outlives its parent."""
    recorder = make()
    assert recorder.path is not None
    inode, (read_end, write_end) = recorder.path.stat().st_ino, os.pipe()
    pid = os.fork()
    if pid == 0:
        held = b"0"
        for fd in range(256):
            try:
                held = b"1" if os.fstat(fd).st_ino == inode else held
            except OSError:
                continue
        os.write(write_end, held)
        os._exit(0)
    os.waitpid(pid, 0)
    assert b"0" == os.read(read_end, 1)
    os.close(read_end)
    os.close(write_end)


KILLED = """
import os, signal, sys
from jupyter_recorder import RecordingConfig, TerminalRecorder
recorder = TerminalRecorder(RecordingConfig(output_dir=sys.argv[1]), "s", 80, 24)
recorder.start()
for n in range(100):
    recorder.record_output(b"%d " % n)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_has_lost_nothing(tmp_path: Path) -> None:
    """Every event whose call has returned is in the file after kill -9."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert -signal.SIGKILL == run.returncode
    assert [f"{n} " for n in range(100)] == [event.data for event in read(tmp_path / "s.cast").events]
