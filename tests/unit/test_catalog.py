"""The catalog: what is found, where and when, while recordings grow, end, go and are damaged."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_recorder.errors import StorageError
from jupyter_recorder.library.catalog import Catalog, CatalogThread
from jupyter_recorder.library.catalog import catalog as catalog_module
from jupyter_recorder.library.catalog import thread as pace_module
from jupyter_recorder.library.catalog.query import to_match
from jupyter_recorder.library.catalog.thread import Pace, rest_seconds
from jupyter_recorder.library.catalog.tracks import JournalReader, TerminalReader
from jupyter_recorder.library.follow import READ_BYTES
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """An empty library."""
    return Library(tmp_path / "root")


@pytest.fixture
def catalog(library: Library, tmp_path: Path) -> Catalog:
    """Its catalog, with an index of its own."""
    return Catalog(library, tmp_path / "cache")


def found(catalog: Catalog, query: str) -> list[tuple[str, str]]:
    """Return (track, snippet) of all hits."""
    return [(hit.track, hit.snippet) for hit in catalog.search(query, limit=1000).hits]


def within(seconds: float, condition: Callable[[], object]) -> bool:
    """Wait until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def record_all(library: Library, name: str = "demo") -> Recorder:
    """Record a bit of everything, and leave it open."""
    recorder = Recorder.start(library, name, "notebook")
    recorder.record({"type": "cell_start", "cell_id": "c1", "execution_count": 1, "source": "compute_walrus(7)"})
    stream = {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m penguin\n"}
    recorder.record({"type": "output", "cell_id": "c1", "output": stream})
    error = {
        "output_type": "error",
        "ename": "ZebraError",
        "evalue": "stripes",
        "traceback": ["\x1b[1mline 3\x1b[0m okapi"],
    }
    recorder.record({"type": "output", "cell_id": "c1", "output": error})
    rich = {"output_type": "display_data", "data": {"text/html": "<b>gnu</b>", "text/plain": "a heron"}, "metadata": {}}
    recorder.record({"type": "output", "cell_id": "c1", "output": rich})
    recorder.chat.add("user", "where is the platypus?")
    recorder.mark("chapter lemur")
    recorder.note("remark ibex")
    track = recorder.terminal(40, 6, command="run-otter")
    track.output(b"\x1b]0;title-hyena\x07loading moose\r")
    recorder.record({"type": "command_start", "track": track.name, "command": "ls badger"})
    track.output(b"\x1b[2J\x1b[Hdone with elk\r\n")
    return recorder


@pytest.mark.parametrize(
    ("query", "track"),
    [
        ("compute_walrus", "cells"), ("penguin", "cells"), ("ZebraError", "cells"), ("okapi", "cells"),
        ("heron", "cells"), ("platypus", "chat"), ("lemur", "cells"), ("ibex", "cells"), ("moose", "terminal"),
        ("elk", "terminal"), ("badger", "terminal"), ("PLATYPUS where", "chat"), ('"red penguin"', "cells"),
        ("plat*", "chat"), ("plat* -nosuch", "chat"), ("nosuch OR platypus", "chat"),
    ],
)  # fmt: skip
def test_everything_recorded_is_found(library: Library, catalog: Catalog, query: str, track: str) -> None:
    """Sources, outputs, errors, chat, remarks, commands and what stood on a screen are found in their track."""
    recorder = record_all(library)
    recorder.stop()

    assert catalog.update()
    (hit,) = catalog.search(query).hits
    assert (recorder.id, track) == (hit.recording_id, hit.track)
    assert recorder.started_at <= hit.at <= recorder.started_at + 60_000


def test_a_hit_is_a_moment_at_which_it_stands_there(library: Library, catalog: Catalog) -> None:
    """What a terminal shows is found at a whole millisecond that is not before it was shown, and soon after."""
    recorder = Recorder.start(library, "moments", "terminal")
    track = recorder.terminal(80, 24)
    for number in range(12):
        track.output(f"word{number}x\r\n".encode())
        time.sleep(0.0303)  # as events come: each at its own moment, and looked at by itself
    track.end(0)
    recorder.stop()
    assert catalog.update()
    (recording,) = library.recordings()
    began = next(event["at"] for event in recording.events() if event["type"] == "terminal_start")
    # As a player counts: seconds since the recording began.
    offset = (began - recorder.started_at) / 1000
    events = [json.loads(line) for line in recording.read_cast("terminal.cast").splitlines()[1:]]
    for number in range(12):
        (hit,) = catalog.search(f"word{number}x").hits
        at = (hit.at - recorder.started_at) / 1000
        (shown,) = (offset + seconds for seconds, _, data in events if f"word{number}x" in data)
        assert shown <= at < shown + 0.1


@pytest.mark.parametrize(
    "query", ["hyena", "gnu", "nosuch", "platypus -where", '"penguin red"', "", "   ", "!!!", "-platypus"]
)
def test_what_was_not_shown_is_not_found(library: Library, catalog: Catalog, query: str) -> None:
    """Titles and markup were not on the screen; excluded words and phrases that do not fit find nothing."""
    record_all(library).stop()
    catalog.update()

    assert ([], 0, None) == catalog.search(query)


@given(st.text(max_size=200) | st.from_regex(r'[A-Za-z"*()^:+\-{} ]*(AND|OR|NOT|NEAR)?[\x00"\' ]*', fullmatch=True))
def test_no_query_is_an_error(query: str) -> None:
    """Quotes, operators and FTS5's own syntax are taken as words, whatever they are."""
    match = to_match(query)
    if match is not None:
        table = sqlite3.connect(":memory:")
        table.execute("CREATE VIRTUAL TABLE texts USING fts5(text)")
        table.execute("SELECT count(*) FROM texts WHERE texts MATCH ?", (match,)).fetchone()


@pytest.mark.parametrize(
    ("typed", "match"),
    [
        ("a b", '("a") AND ("b")'),
        ('"a b" c*', '("a b") AND ("c*"*)'),
        ("cat OR dog -bird", '(("cat" OR "dog")) NOT ("bird")'),
        ('text:x NEAR("a")', '("text:x") AND ("NEAR(") AND ("a")'),
        ("OR", None),
        ("x" * 5000, '("' + "x" * 1000 + '")'),
    ],
)
def test_queries_mean_what_they_say(typed: str, match: str | None) -> None:
    """Words are all wanted, quotes hold phrases, a minus excludes, OR is either."""
    assert match == to_match(typed)


def test_a_message_that_streams_is_found_whole(library: Library, catalog: Catalog) -> None:
    """A message is found as far as it has come, and once, however many updates saw it grow."""
    recorder = Recorder.start(library, "chat", "chat")
    recorder.record({"type": "message_add", "message_id": "m1", "role": "assistant", "content": "the quick"})
    for text in (" brown", " fox jum", "ps"):
        recorder.wait()
        catalog.update()
        recorder.record({"type": "message_append", "message_id": "m1", "content_delta": text})
    recorder.stop()
    catalog.update()

    assert [("chat", "the quick brown fox jumps")] == found(catalog, "quick jumps")
    assert [] == found(catalog, "jum")


def test_pages_hold_every_hit_once(library: Library, catalog: Catalog) -> None:
    """`after` goes on where a page ended, to the last one, and each says how many there are in all."""
    recorder = Recorder.start(library, "chat", "chat")
    for number in range(25):
        recorder.chat.add("user", f"hit number{number}")
    recorder.stop()
    catalog.update()
    pages, after = [], None
    while not pages or after is not None:
        pages.append(catalog.search("hit", limit=10, after=after))
        after = pages[-1].next

    assert [10, 10, 5] == [len(page.hits) for page in pages]
    assert {25} == {page.total for page in pages}
    assert [f"hit number{n}" for n in reversed(range(25))] == [hit.snippet for page in pages for hit in page.hits]
    assert pages[0] == catalog.search("hit", limit=10, after="no number")


def test_a_deleted_recording_vanishes(library: Library, catalog: Catalog) -> None:
    """After the next update nothing of it is found, and its words are gone from the file."""
    record_all(library).stop()
    catalog.update()
    (recording,) = library.recordings()
    everything = [path.read_bytes() for path in catalog.path.parent.iterdir()]
    library.delete(recording)
    catalog.update()
    left = b"".join(path.read_bytes() for path in catalog.path.parent.iterdir())

    assert [] == found(catalog, "platypus")
    # In full where texts stand; words stand without what they share with the word before.
    for word in (b"where is the platypus", b"latypus", b"ompute_walrus", b"eron"):
        assert word not in left
    assert b"where is the platypus" in b"".join(everything)


def test_another_recording_in_a_deleted_ones_place_is_read_from_its_beginning(
    library: Library, catalog: Catalog
) -> None:
    """A session's folder has the same name when it is deleted and begun again; what stood there before is gone."""
    for word in ("before and long ago", "after"):
        recorder = Recorder.start(library, "chat", "chat", session_id="s1")
        for _ in range(3 if word == "after" else 5):
            recorder.chat.add("user", f"said {word}")
        recorder.stop()
        catalog.update()
        if word != "after":
            held = recorder.path.with_name(".held")  # keeps its inode from being used again at once
            recorder.path.rename(held)

    assert 3 == catalog.search("said").total
    assert 0 == catalog.search("before").total


def test_a_recording_that_goes_on_is_read_on(library: Library, catalog: Catalog) -> None:
    """One that was done and is resumed is found with what came since, by a catalog that knew it as done."""
    recorder = Recorder.start(library, "chat", "chat", session_id="s1")
    recorder.chat.add("user", "first word")
    recorder.stop()
    catalog.update()
    again = Recorder.resume(library, library.find_session("s1"), replay=lambda _: None)
    again.chat.add("user", "second word")
    again.wait()
    catalog.update()

    assert 2 == catalog.search("word").total
    again.stop()


def test_a_new_process_reads_on_in_a_terminal(library: Library, catalog: Catalog, tmp_path: Path) -> None:
    """A catalog that is opened anew knows what the screen had shown, and tells only what is new."""
    recorder = Recorder.start(library, "demo", "terminal")
    track = recorder.terminal(40, 6)
    track.output(b"one giraffe\r\ntwo gir")
    recorder.wait()
    catalog.update()
    catalog.close()
    track.output(b"affes\r\n")
    recorder.wait()
    Catalog(library, tmp_path / "cache").update()

    assert 1 == catalog.search("giraffe").total
    assert 1 == catalog.search("giraffes").total
    recorder.stop()


@pytest.mark.parametrize("damage", [b"", b"no database at all", None])
def test_a_damaged_index_is_made_anew(library: Library, catalog: Catalog, damage: bytes | None) -> None:
    """An index that is empty, garbage or of another version gives way to a new one that finds everything."""
    record_all(library).stop()
    catalog.update()
    catalog.close()
    if damage is None:
        with sqlite3.connect(catalog.path) as table:
            table.execute("UPDATE about SET version = 'of old'")
        table.close()
    else:
        for path in catalog.path.parent.iterdir():
            path.write_bytes(damage)

    assert catalog.search("platypus").total in (0, 1)
    catalog.update()
    assert 1 == catalog.search("platypus").total
    assert catalog.check() is None


def test_damage_in_the_middle_is_noticed(library: Library, catalog: Catalog) -> None:
    """Pages overwritten with garbage under an open catalog end in a new index, not in an error."""
    recorder = Recorder.start(library, "chat", "chat")
    for number in range(2000):
        recorder.chat.add("user", f"word{number} filler")
    recorder.stop()
    catalog.update()
    catalog.close()
    with catalog.path.open("r+b") as file:
        for page in range(2, os.path.getsize(catalog.path) // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 2048)
    catalog.search("word7")
    catalog.update()
    catalog.update()

    assert 1 == catalog.search("word7").total


def test_the_index_is_for_its_user_alone(library: Library, catalog: Catalog) -> None:
    """The folder is 0700 and the files 0600: they hold what the recordings hold."""
    record_all(library).stop()
    catalog.update()

    assert 0o700 == catalog.path.parent.stat().st_mode & 0o777
    assert {0o600} == {path.stat().st_mode & 0o777 for path in catalog.path.parent.iterdir()}


def test_a_home_on_a_network_gets_no_index_there(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cache folder is on a network, the index lasts as long as the process, on a local disk."""
    monkeypatch.setattr(catalog_module, "cache_folder", lambda: None)
    record_all(library).stop()
    catalog = Catalog(library)
    catalog.update()

    assert 1 == catalog.search("platypus").total
    assert library.root not in catalog.path.parents
    catalog.close()


def test_nothing_is_written_into_the_root(library: Library, catalog: Catalog) -> None:
    """Indexing reads the recordings and leaves their folders as they are."""
    record_all(library).stop()
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in library.root.rglob("*")}
    catalog.update()

    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in library.root.rglob("*")}


def test_a_damaged_recording_holds_up_no_other(library: Library, catalog: Catalog) -> None:
    """What can be read of a damaged recording is found, and all others are."""
    record_all(library, "good").stop()
    bad = record_all(library, "bad")
    bad.stop()
    (bad.path / "manifest.json").write_bytes(b"\xff")
    (bad.path / "terminal.cast").write_bytes(b"not a cast\n")
    nothing = library.root / "empty-20261120-231501"
    nothing.mkdir()
    (nothing / "session.ndjson").symlink_to("/dev/zero")

    assert catalog.update()
    assert 2 == catalog.search("platypus").total
    assert 1 == catalog.search("elk").total


def test_an_index_that_cannot_be_is_a_clear_error(library: Library, tmp_path: Path) -> None:
    """A folder that cannot be made is named, with what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="JUPYTER_RECORDER_CACHE"):
        Catalog(library, tmp_path / "file" / "cache").update()


def test_the_thread_finds_messages_within_two_seconds(library: Library, catalog: Catalog) -> None:
    """What this process records is found within two seconds of being safe."""
    thread = CatalogThread(catalog)
    thread.start()
    recorder = Recorder.start(library, "chat", "chat")
    recorder.chat.add("user", "a toucan")
    recorder.wait()

    assert within(2.0, lambda: catalog.search("toucan").total == 1)
    recorder.stop()
    thread.stop()
    assert not thread.is_alive()


def test_another_process_is_found_within_three_seconds(library: Library, catalog: Catalog) -> None:
    """What another process shows in a terminal is found while it goes on recording."""
    program = (
        "import sys; from jupyter_recorder import Library, Recorder\n"
        "recorder = Recorder.start(Library(sys.argv[1]), 'other', 'terminal'); track = recorder.terminal(40, 6)\n"
        "track.output(b'a pelican'); recorder.wait(); print('safe', flush=True); sys.stdin.read()"
    )
    thread = CatalogThread(catalog)
    thread.start()
    with subprocess.Popen(
        [sys.executable, "-c", program, library.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert b"safe\n" == other.stdout.readline()
        assert within(3.0, lambda: catalog.search("pelican").total == 1)
        other.kill()
    thread.stop()


def test_an_update_gives_way_line_by_line(library: Library, catalog: Catalog) -> None:
    """Whoever has better things to do than search is not kept waiting for a whole update."""
    lines = []
    catalog.give_way = lambda: lines.append(1)
    recorder = Recorder.start(library, "shell", "terminal")
    track = recorder.terminal(40, 6)
    for _ in range(50):
        track.output(b"a heron. ")
    recorder.stop()
    catalog.update()

    events = len(Library(library.root).find_id(recorder.id).read_cast("terminal.cast").splitlines())  # type: ignore[union-attr]
    assert len(lines) >= events
    assert found(catalog, "heron")


@pytest.mark.parametrize(("worked", "rest"), [(0.0002, 0.0), (0.0003, 0.0006), (0.001, 0.002), (1.0, 0.01)])
def test_a_rest_is_as_long_as_the_work_before_it(worked: float, rest: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice that where nobody else has anything to do: thousands of small recordings are a millisecond's work each."""
    clock, rests = [100.0], [0.0]
    monkeypatch.setattr(pace_module.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(pace_module.time, "sleep", rests.append)
    pace = Pace()
    clock[0] += worked
    pace()
    assert pytest.approx(rest) == rests[-1]


def test_the_busier_the_others_the_longer_it_rests() -> None:
    """A third of a processor where nothing else is to be done, a fortieth where there is no time for it."""
    rests = [rest_seconds(others) for others in (0.0, 0.2, 0.5, 0.8, 1.0, 1.7)]
    assert pytest.approx(0.0005) == rests[0]
    assert sorted(rests) == rests
    assert [0.01, 0.01] == rests[-2:]


def test_a_hundred_terminals_are_each_read_once(
    library: Library, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are recorded an update goes on where the last one stopped: what stands on a screen is kept."""
    made = []

    def counted(*given: object) -> object:
        made.append(given)
        return reader(*given)  # type: ignore[arg-type]

    reader = catalog_module.TerminalReader
    monkeypatch.setattr(catalog_module, "TerminalReader", counted)
    recorders = [Recorder.start(library, f"shell-{number}", "terminal") for number in range(100)]
    tracks = [recorder.terminal(40, 6) for recorder in recorders]
    for text in (b"a stork. ", b"a crane. "):
        for track in tracks:
            track.output(text)
            track.flush()
        for recorder in recorders:
            recorder.wait()
        catalog.update(patient=True)
    for recorder in recorders:
        recorder.stop()

    assert 100 == len(made)


def test_two_processes_have_one_index(library: Library, catalog: Catalog, tmp_path: Path) -> None:
    """Four processes that update and search at once find every text, each once."""
    for number in range(6):
        recorder = Recorder.start(library, f"r{number}", "chat")
        for message in range(300):
            recorder.chat.add("user", f"shared word{message}")
        recorder.stop()
    program = (
        "import sys; from pathlib import Path; from jupyter_recorder import Library\n"
        "from jupyter_recorder.library.catalog import Catalog\n"
        "catalog = Catalog(Library(sys.argv[1]), Path(sys.argv[2]))\n"
        "for _ in range(30): catalog.update(0.01); catalog.search('shared')\n"
        "catalog.close()"
    )
    command = [sys.executable, "-c", program, str(library.root), str(tmp_path / "cache")]
    others = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for _ in range(30):
        catalog.update(0.01)
    errors = [other.communicate(timeout=60)[1] for other in others]

    assert [b""] * 3 == errors
    catalog.update()
    assert 1800 == catalog.search("shared").total
    assert 6 == catalog.search("word299").total


def large(library: Library, name: str) -> None:
    """Record some megabytes of text in eighty messages, each of which is a short line and a file."""
    recorder = Recorder.start(library, name, "chat")
    for number in range(80):
        recorder.chat.add("user", f"{name}{number} " + " ".join(f"w{word % 997}" for word in range(50_000)))
    recorder.stop()


@pytest.fixture
def slow(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """The catalog on a machine where each line takes a twentieth of a second, and nothing else any time."""
    clock = [0.0]

    def pass_time() -> None:
        clock[0] += 0.05

    catalog.give_way = pass_time
    monkeypatch.setattr(catalog_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return catalog


def test_nothing_waits_for_a_large_recording(library: Library, slow: Catalog) -> None:
    """What is said now is found after the second update, however much there is to read of others, new or not."""
    large(library, "old")
    assert not slow.update(0.5)
    large(library, "new")
    recorder = Recorder.start(library, "chat", "chat")
    for word in ("toucan", "pelican", "heron"):
        recorder.chat.add("user", f"a {word}")
        recorder.wait()
        assert [False, False] == [slow.update(0.5), slow.update(0.5)]
        assert 1 == slow.search(word).total
    recorder.stop()
    assert slow.update()
    assert (1, 1) == (slow.search("old79").total, slow.search("new79").total)


def test_large_recordings_are_read_by_turns(library: Library, slow: Catalog) -> None:
    """None is read to its end before another one is begun."""
    assert slow.update()
    names = ("one", "two", "three")
    for name in names:
        large(library, name)
    for _ in range(4):
        assert not slow.update(0.5)
    assert [1, 1, 1] == [slow.search(f"{name}0").total for name in names]
    assert [0, 0, 0] == [slow.search(f"{name}79").total for name in names]
    assert slow.update()
    assert [1, 1, 1] == [slow.search(f"{name}79").total for name in names]


def test_a_read_takes_a_megabyte_of_text(library: Library) -> None:
    """Not of lines: each of them may stand for a file of megabytes. Where it breaks off it goes on, once each."""
    large(library, "old")
    reader = JournalReader(next(library.root.glob("old-*")), 0, "chat")
    reads = []
    while (rows := reader.read(lambda: None)) is not None:
        reads.append("".join(row.text.text for row in rows))
    longest = max(map(len, reads))
    assert READ_BYTES <= longest < 2 * READ_BYTES
    assert [1] * 80 == ["".join(reads).count(f"old{number} ") for number in range(80)]


def test_a_read_takes_little_of_a_terminal(library: Library) -> None:
    """A screen is slow: nothing else waits for a megabyte of it. Each of its lines is told once, in order."""
    recorder = Recorder.start(library, "shell", "terminal")
    track = recorder.terminal(40, 6)
    for number in range(2_000):
        track.output(b"heron %d\r\n" % number)
        track.flush()
    recorder.stop()
    reader = TerminalReader(recorder.path, track.name, 0, 0)
    taken = [0]
    reads, rows = [], []
    while (more := reader.read(lambda: taken.append(taken.pop() + 1))) is not None:
        reads.append(taken[0])
        rows += more
    assert max(after - before for before, after in pairwise([0, *reads])) < 1_000
    assert [f"heron {number}" for number in range(2_000)] == [row.text.text for row in [*rows, *reader.settle()]]


def test_what_cannot_be_read_takes_no_turns(library: Library, catalog: Catalog) -> None:
    """A recording that fails has nothing left to read: the update is done."""
    large(library, "good")
    bad = Recorder.start(library, "bad", "chat")
    bad.stop()
    (bad.path / "session.ndjson").unlink()
    (bad.path / "session.ndjson").mkdir()
    assert catalog.update(60.0)
    assert 1 == catalog.search("good79").total
