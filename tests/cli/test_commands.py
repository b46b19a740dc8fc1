"""Every command, run as a person runs it: what it prints, for programs too, and its exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import Cli

from jupyter_recorder.cli import COMMANDS, completion, main
from jupyter_recorder.cli.output import seconds
from jupyter_recorder.cli.rec import command_line
from jupyter_recorder.cli.reference import reference
from jupyter_recorder.library import checkup
from jupyter_recorder.library.active import LOCK
from jupyter_recorder.recorder import Recorder

DOCS = Path(__file__).parents[2] / "docs"
WITH_JSON = {"list", "show", "search", "status", "export", "import", "trim", "redact", "prune", "recover", "doctor"}


@pytest.fixture
def demo(cli: Cli) -> Recorder:
    """A finished recording called demo: a chat, a cell, a marker, a terminal."""
    recorder = Recorder.start(cli.library, "demo", "notebook", tags=("course",))
    recorder.record({"type": "cell_start", "cell_id": "c1", "execution_count": 1, "source": "print('walrus')"})
    recorder.chat.add("user", "is the disk full?")
    recorder.mark("Training")
    track = recorder.terminal(40, 6)
    track.output(b"\x1b[31mred\x1b[0m otter\r\n")
    track.mark("half")
    track.output(b"the end\r\n")
    recorder.stop()
    return recorder


def test_the_reference_is_what_help_says() -> None:
    """docs/cli.md is made of the commands' own help, and is up to date."""
    assert reference() == (DOCS / "cli.md").read_text("utf-8"), "python -m jupyter_recorder.cli.reference > docs/cli.md"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_teaches(cli: Cli, command: tuple[str, str, str]) -> None:
    """Each command's help has what it does, examples, and `--json` where it prints data."""
    shown = cli(command[0], "--help").stdout
    assert command[2].lower() in shown.lower()
    assert f"jupyter recorder {command[0]}" in shown.partition("examples:")[2]
    assert (command[0] in WITH_JSON) == ("--json" in shown.partition("examples:")[0])


def test_help_names_every_command(cli: Cli) -> None:
    """`--help` and no word at all say what there is."""
    shown = cli("--help").stdout
    assert all(f"  {command.name} " in shown and command.about in shown for command in COMMANDS)
    assert "0 done; 1 failed" in shown


@pytest.mark.parametrize(
    "words",
    [
        [], ["lst"], ["--nosuch", "list"], ["show"], ["play", "x", "--speed", "0"], ["export", "demo"],
        ["trim", "demo"], ["trim", "demo", "--cut", "5"], ["trim", "demo", "--cut", "9:3"],
        ["prune"], ["prune", "--max-total", "many"],
        ["prune", "--max-age", "old"], ["prune", "--max-age", "-1"], ["play", "x", "--speed", "fast"],
        ["play", "x", "--start", "soon"],
        ["rec", "--size", "0x0", "--", "true"], ["completion", "csh"], ["list", "--limit", "x"],
    ],
)  # fmt: skip
def test_wrong_usage_is_2(cli: Cli, words: list[str]) -> None:
    """Wrong usage is exit code 2, said on stderr, and nothing is made."""
    done = cli(*words, code=2)
    assert "" == done.stdout
    assert "jupyter recorder" in done.stderr
    assert not cli.root.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["show", "nosuch"], ["play", "nosuch"], ["export", "nosuch", "--to", "text"], ["import", "nosuch.cast"],
        ["trim", "nosuch", "--idle", "1"], ["redact", "nosuch"], ["redact", "demo", "--pattern", "("],
        ["redact", "demo", "--pattern", "a*"], ["redact", "demo", "--pattern", "^x"],
        ["export", "demo", "--to", "nosuch"], ["play", "demo", "--track", "nosuch"],
        ["rec", "--name", "a/b", "--", "true"],
    ],
)  # fmt: skip
def test_a_failure_is_1_and_one_line(cli: Cli, demo: Recorder, words: list[str]) -> None:
    """What cannot be done is exit code 1 and one line that says why."""
    done = cli(*words, code=1)
    assert "" == done.stdout
    assert done.stderr.startswith("jupyter recorder: ")
    assert 1 == done.stderr.count("\n")


def test_show_tells_what_there_is(cli: Cli, demo: Recorder) -> None:
    """Its chapters with their times, its tracks, its tags, where it is."""
    shown = cli("show", "demo").stdout
    assert all(word in shown for word in ("Training", "course", "chat", "terminal", demo.id))
    told = json.loads(cli("show", "demo", "--json").stdout)
    assert (demo.id, 1, ["course"]) == (told["id"], told["counts"]["messages"], told["tags"])
    assert ["Training"] == [moment["label"] for moment in told["moments"]]


def test_search_finds_and_pages(cli: Cli, demo: Recorder) -> None:
    """Hits have their recording, track and text; nothing found is no failure."""
    hit = json.loads(cli("search", "otter", "--json").stdout)["hits"][0]
    assert (demo.id, "terminal", "red otter") == (hit["recording_id"], hit["track"], hit["snippet"])
    assert "1 found" in cli("search", "disk", "full").stdout
    assert "0 found" in cli("search", "nosuch").stdout
    page = json.loads(cli("search", "--limit", "1", "--json", "the OR otter OR walrus").stdout)
    assert page["total"] > 1
    assert (
        page["hits"]
        != json.loads(cli("search", "--after", page["next"], "--json", "the OR otter OR walrus").stdout)["hits"]
    )


def test_export_and_import_come_round(cli: Cli, demo: Recorder) -> None:
    """What is exported can be imported, and the summary says what came."""
    told = json.loads(cli("export", "demo", "--to", "asciicast-v3", "-o", "out.cast", "--json").stdout)
    assert (cli.folder / "out.cast") == cli.folder / told["path"]
    made = json.loads(cli("import", "out.cast", "--json").stdout)
    assert {"recordings", "messages", "unknown", "warnings"} == set(made)
    assert "otter" in cli("export", made["recordings"][0], "--to", "text", "-o", "-").stdout
    assert 1 == cli("export", "demo", "-o", "out.cast", code=1).stderr.count("exists")


def test_one_bad_file_stops_no_other(cli: Cli, demo: Recorder) -> None:
    """The good files are imported, the bad one is named, and the exit code is 1."""
    cli("export", "demo", "--to", "cast", "-o", "good.cast")
    (cli.folder / "bad.cast").write_text("nothing that is known\n")
    done = cli("import", "bad.cast", "good.cast", "--json", code=1)
    assert 1 == len(json.loads(done.stdout)["recordings"])
    assert "bad.cast" in done.stderr


def conversation(number: int) -> dict[str, object]:
    """Return a conversation as Claude.ai exports it, with a block that is not known here."""
    blocks = [{"type": "text", "text": f"walrus {number}"}, {"type": "hologram", "depth": 3}]
    message = {"uuid": f"m{number}", "sender": "human", "content": blocks, "created_at": "2026-11-20T10:00:00Z"}
    return {"uuid": f"u{number}", "name": f"talk {number}", "chat_messages": [message]}


def test_import_tells_a_person_what_came(cli: Cli) -> None:
    """The format, how many recordings and messages, the first ten names, and what was not known."""
    (cli.folder / "all.json").write_text(json.dumps([conversation(number) for number in range(12)]))
    shown = cli("import", "all.json").stdout
    assert "all.json (claude.ai): 12 recordings, 12 messages\n" in shown
    assert (10, True) == (shown.count("\n  talk-"), "\n  … and 2 more\n" in shown)
    assert "12 things in them are not known here; they were kept as they came" in shown
    assert 12 == len(list(cli.library.recordings()))


def test_import_tells_a_person_what_to_know(cli: Cli) -> None:
    """What could be read only in part is imported, and said with the file's name."""
    (cli.folder / "torn.cast").write_text(
        '{"version": 2, "width": 9, "height": 3}\n[0.1, "o", "otter"]\n[0.2, "o", "wal\n'
    )
    done = cli("import", "torn.cast")
    assert ": 1 recording\n" in done.stdout
    assert done.stderr.startswith("  ! torn.cast: ")


def test_trim_and_redact_make_new_recordings(cli: Cli, demo: Recorder) -> None:
    """Each says what it made; the old one is there as it was, unless it is replaced."""
    trimmed = json.loads(cli("trim", "demo", "--idle", "0", "--json").stdout)
    assert trimmed["removed_seconds"] >= 0
    redacted = json.loads(cli("redact", "demo", "--pattern", "ott[e]r", "--json").stdout)
    assert ({"custom": 1}, demo.id, False) == (redacted["redacted"], redacted["source"], redacted["replaced"])
    assert "otter" not in cli("export", redacted["recording"], "--to", "text", "-o", "-").stdout
    assert "otter" in cli("export", demo.id, "--to", "text", "-o", "-").stdout
    assert "1 taken out: 1 custom" in cli("redact", "demo", "--pattern", "otter", "--replace").stdout
    assert "otter" not in cli("search", "otter").stdout.replace("1 found", "")  # the trimmed one alone has it
    assert not demo.path.exists()


def test_prune_asks_and_says(cli: Cli, demo: Recorder) -> None:
    """It lists, asks, and deletes only on yes; `--keep-tag` keeps, a running one stays."""
    running = Recorder.start(cli.library, "running", "chat")
    running.mark("x")
    assert [demo.id] == [one["id"] for one in json.loads(cli("prune", "--max-age", "0", "--dry-run", "--json").stdout)]
    assert "nothing was deleted" in cli("prune", "--max-age", "0", input="n\n").stdout
    assert "nothing to delete" in cli("prune", "--max-total", "0", "--keep-tag", "course").stdout
    assert "nothing to delete" in cli("prune", "--max-total", "1GB", "--yes").stdout
    assert demo.path.exists()
    assert "1 were deleted" in cli("prune", "--max-total", "0", "--tag", "course", "--yes").stdout
    assert [running.id] == [one.id for one in cli.library.recordings()]
    running.stop()


def test_status_names_what_is_recorded(cli: Cli, demo: Recorder) -> None:
    """The living recording with its process, and the room that there is."""
    assert "nothing is being recorded" in cli("status").stdout
    running = Recorder.start(cli.library, "running", "chat")
    told = json.loads(cli("status", "--json").stdout)
    assert [(running.id, os.getpid())] == [(one["id"], one["pid"]) for one in told["recording"]]
    assert told["free_disk_bytes"] > 0
    running.stop()


def left_by_a_dead_process(cli: Cli) -> str:
    """Return the id of a recording that a killed process left."""
    code = (
        "import os, signal, sys; from jupyter_recorder.library.library import Library\n"
        "from jupyter_recorder.recorder import Recorder\n"
        "recorder = Recorder.start(Library(sys.argv[1]), 'dead', 'chat')\n"
        "recorder.mark('x'); recorder.wait(20); print(recorder.id, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [cli.command()[0], "-c", code, str(cli.root)]
    return subprocess.run(command, capture_output=True, text=True, env=cli.environment, check=False).stdout.strip()


def test_status_tells_a_person(cli: Cli) -> None:
    """Before there is a folder, with a living recording, and with one that a dead process left."""
    shown = cli("status").stdout
    assert "nothing is being recorded\n" in shown
    assert f"GB free in {cli.root}" in shown
    running = Recorder.start(cli.library, "running", "chat")
    left_by_a_dead_process(cli)
    shown = cli("status").stdout
    assert "● running  0:0" in shown
    assert f"by process {os.getpid()} on " in shown
    assert str(running.path) in shown
    assert "1 left unfinished by dead processes: jupyter recorder recover" in shown
    running.stop()


def test_the_version_is_told(cli: Cli) -> None:
    """As the package's."""
    assert f"jupyter-recorder {version('jupyter-recorder')}\n" == cli("--version").stdout


def test_show_lists_the_first_moments_and_errors(cli: Cli) -> None:
    """An error stands among the moments as it was raised; of very many the rest is counted."""
    recorder = Recorder.start(cli.library, "long", "notebook")
    recorder.record({"type": "cell_start", "cell_id": "c1", "execution_count": 1, "source": "1/0"})
    error = {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero", "traceback": []}
    recorder.record({"type": "output", "cell_id": "c1", "output": error})
    for number in range(500):
        recorder.mark(f"chapter {number}")
    recorder.stop()
    shown = cli("show", "long").stdout
    assert "error    ZeroDivisionError: division by zero\n" in shown
    assert f"… and {500 - shown.count('chapter ')} more (--json has all)" in shown
    assert 501 == len(json.loads(cli("show", "long", "--json").stdout)["moments"])


def test_trim_cuts_what_is_named(cli: Cli, demo: Recorder) -> None:
    """With `--replace` the old one is gone, from the search too; the new one has its name and not what was cut."""
    cli("search", "otter")
    told = json.loads(cli("trim", "demo", "--cut", "0:", "--replace", "--json").stdout)
    assert not demo.path.exists()
    assert "0 found" in cli("search", "--no-update", "otter").stdout
    assert "otter" not in cli("export", told["recording"], "--to", "text", "-o", "-").stdout
    assert told["recording"] == json.loads(cli("show", "demo", "--json").stdout)["id"]


def test_doctor_counts_the_living_and_finds_the_dead(cli: Cli) -> None:
    """A living recording is no finding, one of a dead process is, with what gets it back."""
    told = json.loads(cli("doctor", "--json").stdout)
    assert "is not there yet" in told["checks"][0]["saw"]
    running = Recorder.start(cli.library, "running", "chat")
    dead = left_by_a_dead_process(cli)
    told = json.loads(cli("doctor", "--json", code=1).stdout)
    running.stop()
    assert [("locks", dead, "jupyter recorder recover")] == [
        (one["check"], Path(one["where"]).name, one["todo"]) for one in told["findings"]
    ]
    assert "1 being recorded, 1 unfinished" in [one["saw"] for one in told["checks"]]


def test_doctor_names_who_holds_a_lock(cli: Cli, demo: Recorder) -> None:
    """A process that records nothing, and holds a recording's lock, is named."""
    code = "import fcntl, sys; file = open(sys.argv[1], 'wb'); fcntl.flock(file, 2); print('held', flush=True); input()"
    with subprocess.Popen(
        [cli.command()[0], "-c", code, str(demo.path / LOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert "held\n" == process.stdout.readline()
        findings = json.loads(cli("doctor", "--json", code=1).stdout)["findings"]
        process.stdin.close()
    assert f"process {process.pid} holds its lock" in findings[0]["what"]


def test_doctor_tells_of_little_room_and_missing_packages(
    cli: Cli, demo: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is nearly full, and a package that is not there, are findings that say what to do."""
    monkeypatch.setattr(checkup, "LITTLE_BYTES", 1 << 62)
    monkeypatch.setattr(checkup, "_PACKAGES", ("msgspec", "no-such-package-at-all"))
    seen: list[tuple[float, float]] = []
    found = list(checkup.checkup(cli.library, progress=lambda *at: seen.append(at)))
    findings = {one.check: one for one in found if isinstance(one, checkup.Finding)}
    assert "prune" in findings["disk"].todo
    assert ("no-such-package-at-all", "it is not installed") == findings["versions"][1:3]
    assert [(1, 1)] == seen


def test_doctor_is_content(cli: Cli, demo: Recorder) -> None:
    """On a sound library nothing is found and the exit code is 0."""
    cli("search", "otter")
    told = json.loads(cli("doctor", "--json").stdout)
    assert [] == told["findings"]
    assert ["root", "locks", "files", "index", "versions"] == [check["check"] for check in told["checks"]]


@pytest.mark.parametrize(
    ("hurt", "check", "todo"),
    [
        (lambda cli, demo: (demo.path / "manifest.json").write_text("{"), "files", "move the file away"),
        (lambda cli, demo: _append(demo.path / "session.ndjson", b'{"torn'), "files", "recover"),
        (lambda cli, demo: _break_line(demo.path / "session.ndjson"), "files", "the rest is whole"),
        (lambda cli, demo: _break_line(demo.path / "terminal.cast"), "files", "export"),
        (lambda cli, demo: (demo.path / "terminal.cast").write_text("no cast\n"), "files", "is read without it"),
        (lambda cli, demo: cli.root.chmod(0o755), "root", "chmod 700"),
        (lambda cli, demo: (cli.root / ".new-x-20261120-231501-aabb").mkdir(), "locks", "recover"),
        (lambda cli, demo: _ruin_index(cli), "index", "made anew"),
    ],
    ids=["manifest", "torn", "journal", "cast", "no cast", "mode", "leftover", "index"],
)
def test_doctor_finds(cli: Cli, demo: Recorder, hurt: object, check: str, todo: str) -> None:
    """What is hurt is found, with what to do about it, and the exit code is 1; nothing is changed."""
    cli("search", "otter")
    hurt(cli, demo)  # type: ignore[operator]
    before = {path: path.read_bytes() for path in cli.root.rglob("*") if path.is_file()}
    findings = json.loads(cli("doctor", "--json", code=1).stdout)["findings"]
    assert check in [one["check"] for one in findings]
    assert todo.lower() in " ".join(one["todo"] + one["what"] for one in findings).lower().replace(
        "makes it anew", "made anew"
    )
    assert "✗" in cli("doctor", code=1).stdout
    assert before == {path: path.read_bytes() for path in cli.root.rglob("*") if path.is_file()}


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _break_line(path: Path) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[1] = lines[1][:10]
    path.write_bytes(b"\n".join(lines))


def _ruin_index(cli: Cli) -> None:
    for path in (cli.folder / "cache").iterdir():
        if path.suffix == ".sqlite":
            path.write_bytes(b"no database" * 1000)
        elif path.suffix != ".lock":
            path.unlink()


def test_demo_records_something_to_try(cli: Cli) -> None:
    """What it names can be run, and its made-up secret is in no file."""
    shown = cli("demo").stdout
    assert "jupyter recorder play demo" in shown
    assert "DemoDemo" not in "".join(
        path.read_text("utf-8", "ignore") for path in cli.root.rglob("*") if path.is_file()
    )
    assert "100 %" in cli("export", "demo", "--to", "text", "-o", "-").stdout


def test_rec_passes_output_and_exit_code(cli: Cli) -> None:
    """Through a pipe, too: what the program says, its exit code, 128+n after signal n."""
    done = cli("rec", "--name", "build", "--", "sh", "-c", "echo 'hello you'; exit 7", code=7)
    assert "hello you\n" == done.stdout
    assert "hello you" in cli("export", "build", "--to", "text", "-o", "-").stdout
    cli("rec", "--quiet", "--", "kill -TERM $$", code=128 + signal.SIGTERM)
    cli("rec", "--quiet", "--", "nosuch-program-at-all", code=127)


def test_rec_passes_signals_on(cli: Cli) -> None:
    """SIGTERM goes to the program, which may answer it; its end and its last words are recorded."""
    script = "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen(
        cli.command("rec", "--name", "trapped", "--", script), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=cli.folder, env=cli.environment, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert (True, 5) == (out.endswith("got it\n"), process.returncode)
    assert "got it" in cli("export", "trapped", "--to", "text", "-o", "-").stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "/bin/zsh"), (["--"], "/bin/zsh"), (["ls -l | wc"], "ls -l | wc"), (["--", "ls", "a b"], "ls 'a b'"),
        (["echo", "--", "-n"], "echo -- -n"),
    ],
)  # fmt: skip
def test_rec_takes_a_command_as_it_stands(monkeypatch: pytest.MonkeyPatch, words: list[str], line: str) -> None:
    """One word is a shell's line, several are quoted, none is the user's shell."""
    monkeypatch.setenv("SHELL", "/bin/zsh")
    assert line == command_line(words)


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("1.5", 1.5), ("90s", 90), ("1m30s", 90), ("2h", 7200), ("1h2m3s", 3723)]
)
def test_durations(text: str, value: float) -> None:
    """Seconds alone, or with units."""
    assert value == seconds(text)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["re"], ["rec", "redact", "recover"]), (["--root", "x", "li"], ["list"]), (["show", "de"], ["demo", "demo-"]),
        (["export", "demo", "--to", "asc"], ["asciicast-v2", "asciicast-v3"]), (["play", "--sp"], ["--speed"]),
        (["list", "--kind", "t"], ["terminal"]), (["rec", "--", "m"], []), (["nosuch", ""], []),
    ],
)  # fmt: skip
def test_completion_knows_what_fits(cli: Cli, demo: Recorder, words: list[str], found: list[str]) -> None:
    """Commands, options, their values and recordings' names are completed."""
    assert found == [re.sub(r"-\d+-\d+$", "-", word) for word in completion.fitting(words, cli.library)]


@pytest.mark.parametrize("shell", completion.SCRIPTS)
def test_completion_scripts_are_sound(cli: Cli, shell: str) -> None:
    """Each script is one that its shell takes."""
    script = cli("completion", shell).stdout
    try:
        done = subprocess.run([shell, "-n", "-c", script] if shell != "fish" else ["fish", "-n", "/dev/stdin"],
                              input=script, capture_output=True, text=True, check=False)  # fmt: skip
    except FileNotFoundError:
        pytest.skip(f"there is no {shell} here")
    assert (0, "") == (done.returncode, done.stderr)


def test_bash_completes(cli: Cli, demo: Recorder) -> None:
    """In a real bash, the function fills in a recording's name after `jupyter recorder show`."""
    script = cli("completion", "bash").stdout.replace(
        "jupyter-recorder completion", " ".join(cli.command("completion"))
    )
    ask = "COMP_WORDS=(jupyter recorder show de); COMP_CWORD=3; _jupyter_recorder; echo ${COMPREPLY[0]}"
    done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, env=cli.environment, check=True)
    assert "demo\n" == done.stdout


def test_help_is_quick(cli: Cli) -> None:
    """`--help` loads neither the server, IPython nor RE2."""
    code = "import sys; before = {*sys.modules}; from jupyter_recorder.cli import help_text; help_text()"
    code += "; print(*{*sys.modules} - before)"  # a tool that counts branches loads some by itself
    done = subprocess.run([cli.command()[0], "-c", code], capture_output=True, text=True, check=True)
    assert set() == {"tornado", "IPython", "re2", "msgspec", "jupyter_core", "sqlite3"} & set(done.stdout.split())


def test_output_into_a_closed_pipe_is_no_traceback(cli: Cli, demo: Recorder) -> None:
    """`… | head` ends quietly."""
    command = f"{' '.join(cli.command('export', 'demo', '--to', 'text', '-o', '-'))} | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=cli.environment, check=False)
    assert "Traceback" not in done.stderr


def test_a_name_that_is_hostile_is_shown_harmless(cli: Cli) -> None:
    """Escape sequences in titles and labels do not reach the terminal."""
    recorder = Recorder.start(cli.library, "demo", "chat", title="\x1b]0;evil\x07title")
    recorder.mark("\x1b[2Jlabel")
    recorder.chat.add("user", "\x1b[31mwords")
    recorder.stop()
    assert "\x1b" not in cli("show", "demo").stdout + cli("list").stdout + cli("search", "words").stdout


def test_time_is_waited_for(cli: Cli, demo: Recorder) -> None:
    """`play` into a pipe takes the recording's time, and gives its text."""
    began = time.monotonic()
    shown = cli("play", "demo", "--idle", "0").stdout
    assert "\x1b[31mred\x1b[0m otter\nthe end\n" == shown
    assert 10 > time.monotonic() - began


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "..%2f",
        "%252e%252e",
        "CON",
        "x.",
        " ",
        "a" * 4000,
        "\u202egnp.exe",
        "-",
        "/etc/passwd",
        ".lock",
        "x.broken",
        "\udcff",
    ],
)
def test_hostile_names_are_not_found(cli: Cli, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Names that lead elsewhere, or are none, are not found, in one line, and nothing is opened or made."""
    for command in ("show", "play", "redact", "export"):
        words = [command, "--", name] if command != "export" else ["export", "--to", "text", "-o", "-", "--", name]
        assert 1 == main(["--root", str(cli.root), *words])
        assert 1 == capsys.readouterr().err.count("\n")
    assert not cli.root.exists()


def test_another_encoding_is_no_failure(cli: Cli, demo: Recorder) -> None:
    """In a terminal of Latin-1 what it cannot show is a question mark."""
    cli.environment |= {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    assert "?" in cli("doctor").stdout


def test_advice_is_a_shells(cli: Cli) -> None:
    """What a notebook is told by `%record`, a shell is told by `jupyter recorder`."""
    assert "jupyter recorder rec" in cli("list").stdout
    assert "%record" not in cli("show", "nosuch", code=1).stderr
