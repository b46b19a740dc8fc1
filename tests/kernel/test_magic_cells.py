"""What a kernel shows, recorded: every cell's source, streams, displays, results and errors, in order."""

from __future__ import annotations

import os
from pathlib import Path

from kernels import Kernel, events, lines, of_type, outputs, text

OURS = "application/vnd.jupyter-recorder.v1+json"


def record(kernel: Kernel, name: str, *cells: str) -> list[dict]:
    """Run cells inside a recording, and return its events but those of the cells that begin and end it."""
    kernel.run(f"%record start {name}")
    for cell in cells:
        kernel.run(cell)
    kernel.run("%record stop")
    found = kernel.events(name)
    own = {e["cell_id"] for e in of_type(found, "cell_start") if e["source"].startswith(("%record st",))}
    return [event for event in found if event.get("cell_id") not in own]


def say(line: str) -> str:
    """Return code that shows a line by one write, which is one output; of `print(line)` the end may come apart."""
    return f"print('{line}\\n', end='', flush=True)"


def test_a_print_stands_between_its_cells_start_and_end(kernel: Kernel) -> None:
    """A cell is recorded as its start with source and count, its output, and its end with status and duration."""
    found = record(kernel, "order", say("hello"))

    assert ["cell_start", "output", "cell_end"] == [event["type"] for event in found]
    start, output, end = found
    assert say("hello") == start["source"]
    assert isinstance(start["execution_count"], int)
    assert {"output_type": "stream", "name": "stdout", "text": "hello\n"} == output["output"]
    assert "ok" == end["status"]
    assert len({event["cell_id"] for event in found}) == 1


def test_numbers_have_no_gaps_and_times_never_go_back(kernel: Kernel) -> None:
    """Events are numbered from 1, in order of time, between a header and a footer."""
    record(kernel, "numbered", "for i in range(50): print(i, flush=True)", "1/0")
    every = lines(kernel.folder("numbered") / "session.ndjson")

    numbered = [line for line in every if "seq" in line]
    assert list(range(1, len(numbered) + 1)) == [event["seq"] for event in numbered]
    times = [event["at"] for event in numbered]
    assert sorted(times) == times
    assert ("header", "footer") == (every[0]["type"], every[-1]["type"])
    assert len(numbered) == every[-1]["events"]


def test_a_cells_duration_is_the_time_that_it_took(kernel: Kernel) -> None:
    """The end's duration agrees with the events' own times, and with what the cell did."""
    found = record(kernel, "timing", "import time; time.sleep(0.3)")
    start, end = found[0], found[-1]

    assert 290 <= end["duration_ms"] < 2000
    assert abs(end["at"] - start["at"] - end["duration_ms"]) <= 50


def test_prints_are_timed_as_they_came(kernel: Kernel) -> None:
    """Two prints 400 ms apart are recorded about 400 ms apart, not when the cell ended."""
    code = "import time\nprint('a'); time.sleep(0.4); print('b'); time.sleep(0.4)"
    found = record(kernel, "pace", code)

    first, second = of_type(found, "output")
    assert 300 <= second["at"] - first["at"] <= 600
    assert found[-1]["at"] - second["at"] >= 250


def test_child_processes_are_recorded(kernel: Kernel) -> None:
    """What children write is there: of `!`, of a subprocess, and what is written straight to the descriptor."""
    found = record(
        kernel,
        "children",
        "!echo from-a-shell",
        "import subprocess; subprocess.run(['echo', 'from-a-subprocess'])\nNone",
        "import os; os.write(1, b'from-the-descriptor\\n')\nNone",
        "%%bash\necho from-bash",
    )

    for word in ("from-a-shell", "from-a-subprocess", "from-the-descriptor", "from-bash"):
        assert word in text(found)


def test_prints_of_a_forked_worker_are_recorded(kernel: Kernel) -> None:
    """What a `multiprocessing` worker prints in Python is recorded with its cell, once."""
    code = (
        "import multiprocessing; context = multiprocessing.get_context('fork')\n"
        "worker = context.Process(target=print, args=('from-a-fork',))\nworker.start(); worker.join()"
    )
    kernel.run("%record start forked")
    ran = kernel.begin(code)
    kernel.shows(ran, "from-a-fork")
    kernel.run("%record stop")
    found = kernel.events("forked")

    shown = [event for event in of_type(found, "output") if "from-a-fork" in event["output"].get("text", "")]
    assert [ran.msg_id] == [event["cell_id"] for event in shown]


def test_stderr_is_kept_apart(kernel: Kernel) -> None:
    """Text on stderr is recorded as stderr, in its place among stdout."""
    code = f"import sys\n{say('one')}\nprint('two\\n', end='', file=sys.stderr, flush=True)\n{say('three')}"
    found = record(kernel, "streams", code)

    shown = [(output["name"], output["text"]) for output in outputs(found)]
    assert [("stdout", "one\n"), ("stderr", "two\n"), ("stdout", "three\n")] == shown


def test_an_error_is_recorded_with_its_traceback(kernel: Kernel) -> None:
    """A cell that raises has its error as an output, with name, value and traceback, and the status `error`."""
    found = record(kernel, "error", "{}['missing']")

    (error,) = outputs(found, "error")
    assert ("KeyError", "'missing'") == (error["ename"], error["evalue"])
    assert "KeyError" in "\n".join(error["traceback"])
    assert "error" == of_type(found, "cell_end")[0]["status"]
    assert 1 == kernel.manifest("error")["counts"]["errors"]


def test_a_result_is_recorded_with_all_its_types(kernel: Kernel) -> None:
    """A cell's value is an `execute_result` with its count, text and HTML."""
    found = record(kernel, "result", "from IPython.display import HTML; HTML('<b>x</b>')")

    (result,) = outputs(found, "execute_result")
    assert "<b>x</b>" == result["data"]["text/html"]
    assert of_type(found, "cell_start")[0]["execution_count"] == result["execution_count"]


def test_a_display_and_its_update_are_recorded(kernel: Kernel) -> None:
    """A display with an id is recorded with the id, and its update as one of that id."""
    code = "from IPython.display import display\nh = display('before', display_id='d1')\nh.update('after')"
    found = record(kernel, "updates", code)

    (shown,) = outputs(found, "display_data")
    (update,) = of_type(found, "update_display")
    assert "d1" == shown["transient"]["display_id"] == update["display_id"]
    assert ("'before'", "'after'") == (shown["data"]["text/plain"], update["output"]["data"]["text/plain"])


def test_clear_output_is_recorded_in_its_place(kernel: Kernel) -> None:
    """`clear_output` stands between the output that goes and the one that comes."""
    code = f"from IPython.display import clear_output\n{say('old')}\nclear_output(wait=True)\n{say('new')}"
    found = record(kernel, "cleared", code)

    assert ["cell_start", "output", "clear_output", "output", "cell_end"] == [event["type"] for event in found]
    assert of_type(found, "clear_output")[0]["wait"] is True


def test_an_async_cell_is_recorded(kernel: Kernel) -> None:
    """A cell with a top-level `await` is recorded as any other."""
    found = record(kernel, "awaited", "import asyncio\nawait asyncio.sleep(0.01)\nprint('later')")

    assert "later\n" == text(found)
    assert "ok" == of_type(found, "cell_end")[0]["status"]


def test_a_thread_that_prints_after_its_cells_end_is_recorded_with_its_cell(kernel: Kernel, tmp_path: Path) -> None:
    """Output that comes after a cell's end is recorded under the cell to which the kernel sends it."""
    os.mkfifo(tmp_path / "go")
    kernel.run("%record start threads")
    code = f"def late():\n    open({str(tmp_path / 'go')!r}).read(); {say('late')}\n"
    started = kernel.run(code + "import threading; thread = threading.Thread(target=late); thread.start()")
    (tmp_path / "go").write_text("go")
    kernel.shows(started, "late")
    kernel.run("thread.join()")
    kernel.run("%record stop")
    found = kernel.events("threads")

    (output,) = [event for event in of_type(found, "output") if event["output"].get("text") == "late\n"]
    assert started.msg_id == output["cell_id"]
    (end,) = [event for event in of_type(found, "cell_end") if event["cell_id"] == started.msg_id]
    assert output["seq"] > end["seq"]


def test_a_cell_without_history_is_recorded_as_hidden(kernel: Kernel) -> None:
    """`store_history=False` is recorded, marked `hidden`."""
    kernel.run("%record start hidden")
    ran = kernel.run("print('unseen')", store_history=False)
    kernel.run("%record stop")

    (start,) = [e for e in of_type(kernel.events("hidden"), "cell_start") if e["cell_id"] == ran.msg_id]
    assert start["hidden"] is True


def test_a_silent_run_is_not_recorded(kernel: Kernel) -> None:
    """`silent=True` leaves nothing behind, displays and prints included."""
    kernel.run("%record start silent")
    ran = kernel.run("print('hush'); display('hush')", silent=True)
    kernel.run("%record stop")
    raw = (kernel.folder("silent") / "session.ndjson").read_text()

    assert "hush" not in raw
    assert ran.msg_id not in raw


def test_replies_to_input_and_getpass_are_not_recorded(kernel: Kernel) -> None:
    """What a person types into `input()` or getpass is nowhere in the recording."""
    kernel.run("%record start asked")
    for code in ("a = input('name? ')", "import getpass; b = getpass.getpass()"):
        ran = kernel.begin(code, allow_stdin=True)
        kernel.answer(ran, "Xyzzy1234")
        kernel.finish(ran)
    assert "Xyzzy1234 Xyzzy1234" == kernel.run("print(a, b)", silent=True).out.strip()
    kernel.run("%record stop")

    assert all(b"Xyzzy1234" not in path.read_bytes() for path in kernel.folder("asked").iterdir() if path.is_file())


def test_the_front_ends_cell_id_is_kept(kernel: Kernel) -> None:
    """`cellId` of the request's metadata is the event's `cell_id`; without it the message's id is."""
    kernel.run("%record start ids")
    kernel.run(say("named"), metadata={"cellId": "cell-7"})
    ran = kernel.run(say("nameless"))
    kernel.run("%record stop")
    found = kernel.events("ids")

    ids = {event["output"]["text"]: event["cell_id"] for event in of_type(found, "output") if "named" in str(event)}
    assert {"named\n": "cell-7"} == ids
    (output,) = [e for e in of_type(found, "output") if e["output"].get("text") == "nameless\n"]
    assert ran.msg_id == output["cell_id"]


def test_comm_messages_are_not_recorded(kernel: Kernel) -> None:
    """Widgets' comm traffic leaves nothing in the journal."""
    code = "from comm import create_comm\nc = create_comm(target_name='t', data={'w': 'plugh'})\nc.send({'w': 'plugh'})"
    found = record(kernel, "comms", code)

    assert ["cell_start", "cell_end"] == [event["type"] for event in found]


def test_the_rest_of_the_cell_that_starts_is_recorded(kernel: Kernel) -> None:
    """`%record start` with code after it: the cell is recorded from there, not what it printed before."""
    kernel.run("print('before')\n%record start samecell\nprint('after')\n1/0")
    kernel.run("%record stop")
    found = kernel.events("samecell")

    assert "after\n" in text(found)
    assert "before" not in text(found)
    assert ["ZeroDivisionError"] == [output["ename"] for output in outputs(found, "error")]
    assert ["ok", "error"] == sorted((e["status"] for e in of_type(found, "cell_end")), reverse=True)


def test_a_replay_shown_while_recording_stands_by_reference(kernel: Kernel) -> None:
    """A replay of another recording is stored as that one's id: neither its data nor its HTML is swallowed."""
    record(kernel, "inner", "print('x' * 5000)")
    ran = kernel.run("%record start outer")
    ran = kernel.run("%record replay inner")
    kernel.run("%record stop")

    assert "data" in ran.displays[0][OURS]
    (shown,) = outputs(kernel.events("outer"), "display_data")
    assert {"version", "id", "name"} == set(shown["data"][OURS])
    assert kernel.folder("inner").name == shown["data"][OURS]["id"]
    assert "text/html" not in shown["data"]
    assert (kernel.folder("outer") / "session.ndjson").stat().st_size < 10_000


def test_numpy_like_values_in_a_display_are_recorded_as_they_were_sent(kernel: Kernel) -> None:
    """What Jupyter turns into JSON on the way out is recorded in the same form."""
    code = (
        "import datetime, fractions\nfrom IPython.display import display\n"
        "display({'application/json': {'when': datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),"
        " 'half': fractions.Fraction(1, 2), 'pair': (1, 2)}}, raw=True)"
    )
    kernel.run("%record start foreign")
    ran = kernel.run(code)
    kernel.run("%record stop")

    (shown,) = outputs(kernel.events("foreign"), "display_data")
    sent, recorded = ran.displays[0]["application/json"], shown["data"]["application/json"]
    assert (0.5, [1, 2]) == (sent["half"], sent["pair"]) == (recorded["half"], recorded["pair"])
    assert recorded["when"].startswith("2026-01-01T00:00:00")


def test_a_secret_in_a_tuple_of_a_display_is_redacted(kernel: Kernel) -> None:
    """Redaction sees what is sent, whatever Python types it was made of."""
    secret = "ghp_" + "a1B2" * 9
    shown = f"{{'application/json': {{'t': ('{secret[:10]}' '{secret[10:]}',)}}}}"
    code = f"from IPython.display import display\ndisplay({shown}, raw=True)"
    record(kernel, "tupled", code)

    assert secret not in (kernel.folder("tupled") / "session.ndjson").read_text()


def test_a_secret_split_over_two_prints_is_redacted(kernel: Kernel) -> None:
    """A token whose halves are flushed apart is not in the journal."""
    secret = "ghp_" + "a1B2" * 9
    code = f"print('{secret[:12]}', end='', flush=True)\nprint('{secret[12:]}', flush=True)"
    found = record(kernel, "split", code)

    assert secret not in text(found)
    assert "[redacted:github-token]" in text(found)


def test_a_payload_over_64_kib_stands_in_a_blob(kernel: Kernel) -> None:
    """A large image is kept once, as a file that the event names by its hash."""
    code = (
        "import os, base64\nfrom IPython.display import display\n"
        "png = base64.b64encode(bytes(range(256)) * 400).decode()\n"
        "display({'image/png': png}, raw=True); display({'image/png': png}, raw=True)"
    )
    found = record(kernel, "blobs", code)

    names = {output["data"]["image/png"]["blob"] for output in outputs(found, "display_data")}
    assert names == set(os.listdir(kernel.folder("blobs") / "blobs"))


def test_files_are_for_their_owner_alone(kernel: Kernel) -> None:
    """Folders are 0700 and files 0600."""
    record(kernel, "modes", "print(1)")
    folder = kernel.folder("modes")

    modes = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]}
    assert {folder.name: 0o700, **{path.name: 0o600 for path in folder.iterdir()}} == modes


def test_recording_goes_on_through_an_interrupt(kernel: Kernel) -> None:
    """An interrupted cell is recorded with its KeyboardInterrupt, and the next cell after it."""
    kernel.run("%record start stopped")
    ran = kernel.begin(
        "import time\nprint('begun', flush=True)\nwhile True:\n    print('.', end='', flush=True); time.sleep(0.001)"
    )
    kernel.shows(ran, "begun")
    kernel.interrupt()
    kernel.finish(ran)
    kernel.run("print('next')")
    kernel.run("%record stop")
    found = kernel.events("stopped")

    assert ["KeyboardInterrupt"] == [output["ename"] for output in outputs(found, "error")]
    assert "next\n" in text(found)
    assert list(range(1, len(found) + 1)) == [event["seq"] for event in found]


def test_what_a_front_end_saw_is_what_was_recorded(kernel: Kernel) -> None:
    """The text of a busy cell on IOPub and in the journal is the same, byte for byte."""
    kernel.run("%record start same")
    ran = kernel.run(
        "import sys\nfor i in range(3000):\n    print(i, 'é', file=sys.stderr if i % 7 == 0 else sys.stdout)"
    )
    kernel.run("%record stop")
    found = [e for e in kernel.events("same") if e.get("cell_id") == ran.msg_id]

    assert (ran.out, ran.err) == (text(found), text(found, "stderr"))


def test_nothing_else_is_written_into_the_folder(kernel: Kernel, tmp_path: Path) -> None:
    """A finished recording is its manifest, journal and key; lock and record are gone."""
    record(kernel, "tidy", "print(1)")

    assert {"manifest.json", "session.ndjson", "dedupe.key"} == set(os.listdir(kernel.folder("tidy")))
    assert "completed" == kernel.manifest("tidy")["state"]
    assert events(kernel.folder("tidy"))
