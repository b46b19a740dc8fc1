"""The library: making, listing, finding and deleting recordings."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from jupyter_recorder.errors import InvalidName, RecordingInProgress, RecordingNotFound, StorageError
from jupyter_recorder.files import Files
from jupyter_recorder.library.create import CreatedRecording
from jupyter_recorder.library.folders import default_root
from jupyter_recorder.library.library import Library
from jupyter_recorder.library.manifest import change_labels, read_manifest, write_manifest
from jupyter_recorder.library.recording import Recording
from jupyter_recorder.library.recovery import recover

STARTED = 1_795_216_501_000  # 2026-11-20 23:15:01 UTC
HOUR = 3_600_000


def ended(created: CreatedRecording) -> Recording:
    """End a recording as its writer does."""
    path = created.recording.path
    manifest = read_manifest(path)
    manifest["state"] = "completed"
    manifest["ended_at"] = manifest["started_at"]
    write_manifest(path, manifest)
    created.state.stop()
    return Recording(path)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty library."""
    return Library(tmp_path / "root")


# -- making


def test_a_new_recording_is_a_folder_with_its_lock(library: Library) -> None:
    """It has its id, manifest, key and lock from the moment that anybody can see it."""
    created = library.create("Demo", started_ms=STARTED, title="A talk", tags=["a", "b", "a"])
    manifest = created.recording.manifest
    assert created.recording.path == library.root / "demo-20261120-231501"
    assert (manifest["id"], manifest["name"], manifest["state"]) == ("demo-20261120-231501", "Demo", "recording")
    assert (manifest.get("title"), manifest["tags"]) == ("A talk", ["a", "b"])
    names = {"dedupe.key", "manifest.json", "recording.json", "recording.lock"}
    assert set(os.listdir(created.recording.path)) == names
    assert len((created.recording.path / "dedupe.key").read_bytes()) == 32
    created.state.stop()


def test_everything_made_is_private_from_the_start(library: Library) -> None:
    """Folders are 0700 and files 0600 when they are made, whatever the umask allows."""
    made: list[tuple[str, int]] = []

    class Watching(Files):
        def create(self, path: Path) -> int:
            fd = super().create(path)
            made.append(("file", stat.S_IMODE(os.fstat(fd).st_mode)))
            return fd

        def mkdir(self, path: Path) -> None:
            super().mkdir(path)
            made.append(("folder", stat.S_IMODE(path.stat().st_mode)))

    before = os.umask(0)
    try:
        Library(library.root, files=Watching()).create("demo").state.stop()
    finally:
        os.umask(before)
    assert set(made) == {("file", 0o600), ("folder", 0o700)}


def test_a_taken_id_gets_a_number(library: Library) -> None:
    """Takes of one name in one second are numbered."""
    made = [library.create("demo", started_ms=STARTED) for _ in range(3)]
    ids = [created.recording.id for created in made]
    assert ids == ["demo-20261120-231501", "demo-20261120-231501-2", "demo-20261120-231501-3"]
    assert [created.recording.manifest["id"] for created in made] == ids
    for created in made:
        created.state.stop()


def test_the_lock_moves_with_the_folder(library: Library) -> None:
    """The lock that was taken before the folder had its name works under that name."""
    created = library.create("demo")
    assert created.state.heartbeat()
    created.state.stop()
    assert not (created.recording.path / "recording.lock").exists()


def test_a_session_has_one_recording(library: Library) -> None:
    """A client's session is found by its own id, and cannot be made twice."""
    created = library.create("Kurs Ü", "chat", session_id="kurs/Ü")
    assert library.find_session("kurs/Ü").id == created.recording.id
    with pytest.raises(StorageError, match="already"):
        library.create("Kurs Ü", "chat", session_id="kurs/Ü")
    with pytest.raises(RecordingNotFound):
        library.find_session("kurs/ü")
    created.state.stop()


def test_a_bad_name_makes_nothing(library: Library) -> None:
    """A name that cannot be used is refused before there is any folder."""
    with pytest.raises(InvalidName):
        library.create("../x")
    assert not library.root.exists()


def test_a_root_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    """A file in the root's place is a `StorageError` that names it."""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError, match="file"):
            Library(root).create("demo")


@pytest.mark.parametrize("folder", ["a\0b", "x" * 5000])
def test_a_folder_that_cannot_be_is_one_clear_line(library: Library, folder: str) -> None:
    """Whatever is given as --dir, the answer is a `StorageError`."""
    with pytest.raises(StorageError):
        library.create("demo", directory=library.root / folder)


def test_a_full_disk_leaves_nothing_half_made(library: Library) -> None:
    """Whichever write fails, the root is as it was and the error says why."""

    class Full(Files):
        def __init__(self, good: int) -> None:
            self.good = good

        def write(self, fd: int, data: bytes | memoryview) -> int:
            self.good -= 1
            if self.good < 0:
                raise OSError(28, "No space left on device")
            return super().write(fd, data)

    library.root.mkdir()
    for good in range(3):
        with pytest.raises(StorageError, match="No space"):
            Library(library.root, files=Full(good)).create("demo")
        assert os.listdir(library.root) == []


# -- elsewhere


def test_a_recording_made_elsewhere_is_listed(library: Library, tmp_path: Path) -> None:
    """A folder given by --dir holds the recording, and the root knows it."""
    recording = ended(library.create("demo", directory=tmp_path / "there", started_ms=STARTED))
    assert recording.path.parent == tmp_path / "there"
    assert [one.path for one in library.recordings()] == [recording.path]
    assert library.find("demo").path == recording.path
    assert library.find(recording.id).path == recording.path


def test_a_folder_elsewhere_that_is_gone_is_no_error(library: Library, tmp_path: Path) -> None:
    """A drive that is not there today is passed over, and back tomorrow."""
    recording = ended(library.create("demo", directory=tmp_path / "there"))
    recording.path.parent.rename(tmp_path / "away")
    assert list(library.recordings()) == []
    (tmp_path / "away").rename(tmp_path / "there")
    assert [one.id for one in library.recordings()] == [recording.id]


@pytest.mark.parametrize("content", [b"", b"[", b'{"paths":7}', b'{"paths":[1,"relative","/etc","/x/../../etc"]}'])
def test_a_broken_list_of_elsewhere_blocks_nothing(library: Library, tmp_path: Path, content: bytes) -> None:
    """Recordings are listed and made; a list that does not parse is kept beside the new one."""
    library.root.mkdir()
    (library.root / "elsewhere.json").write_bytes(content)
    ended(library.create("inside"))
    recording = ended(library.create("demo", directory=tmp_path / "there"))
    assert {one.name for one in library.recordings()} == {"inside", "demo"}
    assert str(recording.path) in json.loads((library.root / "elsewhere.json").read_bytes())["paths"]


# -- listing


def test_the_newest_comes_first(library: Library) -> None:
    """The time of the start orders, and in one second the number."""
    for number in range(12):
        ended(library.create("b", started_ms=STARTED))
        if number < 2:
            ended(library.create("a", started_ms=STARTED + (number * 2 - 1) * HOUR))
    ids = [one.id for one in library.recordings()]
    base = "b-20261120-231501"
    twins = [f"{base}-{number}" for number in range(12, 1, -1)]
    assert ids == ["a-20261121-001501", *twins, base, "a-20261120-221501"]
    assert [one.id for one in library.recordings(limit=2)] == ids[:2]


def test_a_root_that_does_not_exist_is_empty(library: Library) -> None:
    """Before the first recording there is nothing, and that is no error."""
    assert (list(library.recordings()), library.stale(), library.names(), recover(library)) == ([], [], [], [])


def test_corrupt_and_foreign_things_do_not_disturb_a_listing(library: Library, tmp_path: Path) -> None:
    """Damaged recordings are shown as such; what is no recording, or a link out of the root, is not shown."""
    good = ended(library.create("good", started_ms=STARTED))
    outside = shutil.copytree(good.path, tmp_path / "outside-20261120-231501")
    (library.root / outside.name).symlink_to(outside)
    (library.root / "a-file").write_text("x")
    (library.root / "notes").mkdir()
    (library.root / ".new-half").mkdir()
    bad = shutil.copytree(good.path, library.root / "bad-20261120-231502")
    (bad / "manifest.json").write_bytes(b"{")
    lost = shutil.copytree(good.path, library.root / "lost-20261120-231503")
    (lost / "manifest.json").unlink()
    (lost / "session.ndjson").write_text("")
    fifo = library.root / "fifo-20261120-231504"
    fifo.mkdir()
    os.mkfifo(fifo / "manifest.json")
    found = {one.id: (one.state, one.error is None) for one in library.recordings()}
    corrupt = ("corrupt", False)
    assert found == {good.id: ("completed", True), bad.name: corrupt, lost.name: corrupt, fifo.name: corrupt}
    with pytest.raises(RecordingNotFound):
        library.find(outside.name)


def test_a_recording_says_its_true_state(library: Library) -> None:
    """It is recorded while its owner lives, and interrupted once nobody owns it."""
    created = library.create("demo")
    assert Recording(created.recording.path).state == "recording"
    created.state.stop()
    assert Recording(created.recording.path).state == "interrupted"


def test_filters(library: Library) -> None:
    """Kind and state choose; what is damaged has no kind."""
    ended(library.create("a", "notebook"))
    live = library.create("b", "terminal")
    assert [one.name for one in library.recordings(kind="terminal")] == ["b"]
    assert [one.name for one in library.recordings(state="completed")] == ["a"]
    assert list(library.recordings(kind="chat")) == []
    live.state.stop()


def test_twenty_of_ten_thousand_come_at_once(library: Library) -> None:
    """The first twenty are there within a second, and their age is told without opening a manifest."""
    first = ended(library.create("first", started_ms=STARTED))
    manifest = (first.path / "manifest.json").read_bytes()
    for number in range(1, 10_000):
        folder = (
            library.root
            / f"many-2026{number // 2800 + 1:02}{number // 100 % 28 + 1:02}-{number % 24:02}{number % 60:02}00-{number}"
        )
        folder.mkdir()
        (folder / "manifest.json").write_bytes(manifest)
    begun = time.perf_counter()
    newest = list(library.recordings(20))
    seconds = time.perf_counter() - begun
    assert (len(newest), newest[0].id) == (20, first.id)
    assert not any("manifest" in vars(one) for one in newest)
    assert seconds < 1.0


# -- finding


def test_a_word_is_an_id_or_the_newest_take(library: Library) -> None:
    """The id finds its recording, a name the newest of that name."""
    old, new = (ended(library.create("demo", started_ms=STARTED + offset)) for offset in (0, HOUR))
    assert (library.find("demo").id, library.find(old.id).id, library.find(new.id).id) == (new.id, old.id, new.id)


def test_a_label_is_a_name(library: Library) -> None:
    """A recording that was renamed is found by its new name and not by the old one."""
    recording = ended(library.create("demo"))
    change_labels(recording.path, {"name": "intro"})
    assert library.find("intro").id == recording.id
    with pytest.raises(RecordingNotFound):
        library.find("demo")


def test_a_slip_is_answered_with_near_names(library: Library) -> None:
    """Who types nearly a name is told which."""
    ended(library.create("quickstart"))
    with pytest.raises(RecordingNotFound, match="did you mean quickstart") as caught:
        library.find("quikstart")
    assert caught.value.suggestions == ("quickstart",)


def test_an_exact_id_does_not_depend_on_the_others(library: Library) -> None:
    """It is found though every other manifest is damaged."""
    recording = ended(library.create("demo"))
    bad = shutil.copytree(recording.path, library.root / "bad-20261120-231502")
    (bad / "manifest.json").write_bytes(b"{")
    assert library.find(recording.id).error is None


def test_names_complete(library: Library) -> None:
    """Names come before ids, the newest first, each once."""
    ids = [
        ended(library.create(name, started_ms=STARTED + at * HOUR)).id
        for at, name in enumerate(["da", "db", "da", "x"])
    ]
    assert library.names("d") == ["da", "db", ids[2], ids[1], ids[0]]
    assert library.names("d", limit=1) == ["da"]


def traversals() -> list[str]:
    """Return 500 words that try to leave the root."""
    ups = [
        "..",
        "../..",
        "..%2f",
        "%2e%2e",
        "%252e%252e",
        ".",
        "",
        "/",
        "//",
        "\\",
        "..\\",
        "~",
        "\0",
        "..;",
        "\uff0e\uff0e",
    ]
    targets = ["x", "etc/passwd", "secret-20261120-231501", "../secret-20261120-231501", "root2", "manifest.json"]
    joints = ["/", "\\", "%2f", "", "\0", "//"]
    words = [up + joint + target for up, joint, target in itertools.product(ups, joints, targets)]
    return list(dict.fromkeys(words))[:500]


def test_no_word_opens_anything_outside_the_root(library: Library, tmp_path: Path) -> None:
    """Of 500 words made to leave the root none finds a recording, though there is one beside it."""
    recording = ended(library.create("demo"))
    shutil.copytree(recording.path, tmp_path / "secret-20261120-231501")
    (library.root / "link").symlink_to(tmp_path)
    words = [*traversals(), str(tmp_path / "secret-20261120-231501"), "link/secret-20261120-231501", "link"]
    assert len(words) > 490
    for word in words:
        with pytest.raises(RecordingNotFound):
            library.find(word)


# -- what a recording holds


def test_payloads_and_terminals_cannot_be_asked_for_outside(library: Library, tmp_path: Path) -> None:
    """Names that are no names of payloads or terminals, and links, are `StorageError`."""
    recording = ended(library.create("demo"))
    (tmp_path / "x.cast").write_text('{"version":2,"width":1,"height":1}\n')
    (recording.path / "link.cast").symlink_to(tmp_path / "x.cast")
    for file in ("../x.cast", "link.cast", "manifest.json", "dedupe.key", "", "terminal.1.cast", "..cast"):
        with pytest.raises(StorageError):
            recording.read_cast(file)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / ("a" * 64)).write_text("x")
    (recording.path / "blobs").symlink_to(tmp_path / "blobs")
    for sha in ("a" * 64, "../dedupe.key", "A" * 64, ""):
        with pytest.raises(StorageError):
            recording.blob(sha)


def test_a_terminals_segments_are_one_file(library: Library) -> None:
    """Each event comes from the highest segment that has it, under the first one's header, torn tail left out."""
    recording = ended(library.create("demo"))
    header = b'{"version":2,"width":80,"height":24}\n'
    lines = [b'[%d.0,"o","%d"]\n' % (number, number) for number in range(1, 6)]
    second = b'{"version":2,"width":80,"height":24,"first_event":3}\n'
    (recording.path / "terminal.cast").write_bytes(header + b"".join(lines[:2]) + b'[3.0,"o","given up"]\n[4.')
    (recording.path / "terminal.1.cast").write_bytes(second + b"".join(lines[2:]) + b'[6.0,"o"')
    assert recording.cast_files() == ["terminal.cast"]
    assert recording.read_cast("terminal.cast") == header + b"".join(lines)


def test_terminals_are_in_order(library: Library) -> None:
    """The tenth terminal comes after the second."""
    recording = ended(library.create("demo"))
    for name in ("terminal-10.cast", "terminal-2.cast", "terminal.cast", ".x.cast", "terminal-2.1.cast"):
        (recording.path / name).write_text("")
    assert recording.cast_files() == ["terminal.cast", "terminal-2.cast", "terminal-10.cast"]


def test_a_size_counts_every_file_once(library: Library, tmp_path: Path) -> None:
    """Payloads count, and what a link names does not."""
    recording = ended(library.create("demo"))
    before = recording.size_bytes()
    (recording.path / "blobs").mkdir()
    (recording.path / "blobs" / ("a" * 64)).write_bytes(b"x" * 1000)
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    (recording.path / "link").symlink_to(tmp_path / "big")
    assert before + 1000 <= recording.size_bytes() < before + 2000


# -- deleting


def test_a_deleted_recording_is_gone(library: Library, tmp_path: Path) -> None:
    """Its folder goes, and what its links named stays."""
    recording = ended(library.create("demo"))
    (tmp_path / "precious").write_text("x")
    (recording.path / "blobs").mkdir()
    (recording.path / "blobs" / "link").symlink_to(tmp_path)
    library.delete(recording)
    assert (os.listdir(library.root), (tmp_path / "precious").read_text()) == ([], "x")


def test_a_recording_that_goes_on_is_not_deleted(library: Library) -> None:
    """It has to be stopped first."""
    created = library.create("demo")
    with pytest.raises(RecordingInProgress):
        library.delete(created.recording)
    assert created.state.heartbeat()
    created.state.stop()


def test_a_deletion_cut_short_is_finished_by_recovery(library: Library) -> None:
    """A recording is deleted whole or, after a crash, not listed any more and removed later."""

    class Stuck(Files):
        def unlink(self, path: Path) -> None:
            if path.name == "manifest.json":
                raise OSError(5, "Input/output error")
            super().unlink(path)

    recording = ended(library.create("demo"))
    with pytest.raises(StorageError):
        Library(library.root, files=Stuck()).delete(recording)
    assert list(library.recordings()) == []
    recover(library)
    assert os.listdir(library.root) == []


# -- the root


def test_the_root_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment comes before what is configured, which comes before Jupyter's data folder."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("JUPYTER_RECORDER_DIR", raising=False)
    assert default_root() == tmp_path / "data" / "recorder"
    assert default_root(str(tmp_path / "trait")) == tmp_path / "trait"
    monkeypatch.setenv("JUPYTER_RECORDER_DIR", str(tmp_path / "environment"))
    assert default_root(str(tmp_path / "trait")) == tmp_path / "environment"


def test_a_users_name_cannot_lead_the_root_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`{user}` is one folder, whatever the environment says that the user is called."""
    monkeypatch.delenv("JUPYTER_RECORDER_DIR", raising=False)
    monkeypatch.setenv("LOGNAME", "ana")
    assert default_root(str(tmp_path / "{user}")) == tmp_path / "ana"
    monkeypatch.setenv("LOGNAME", "../../x")
    assert default_root(str(tmp_path / "{user}")).parent == tmp_path
