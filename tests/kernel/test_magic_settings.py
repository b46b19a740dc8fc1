"""Settings, loading and unloading, and what tab offers."""

from __future__ import annotations

from collections.abc import Callable

from kernels import LOAD, Kernel, of_type, text

AUTO = "c.InteractiveShellApp.extensions = ['jupyter_recorder']\nc.RecorderMagics.auto_start = True"


def test_auto_start_records_from_the_first_cell_and_says_so_there(new_kernel: Callable[..., Kernel]) -> None:
    """With `auto_start` in the configuration every cell is recorded, and the first output says where."""
    kernel = new_kernel(config=AUTO, load=False)
    first = kernel.run("print('one')")
    second = kernel.run("print('two')")
    kernel.run("%record stop")
    found = kernel.events("notebook")

    assert f"● recording 'notebook' to {kernel.folder('notebook')}" in first.out
    assert "● recording" not in second.out
    assert ["print('one')", "print('two')"] == [event["source"] for event in of_type(found, "cell_start")][:2]
    assert "one\n" in text(found)


def test_auto_start_that_cannot_record_says_so_in_the_first_output(new_kernel: Callable[..., Kernel]) -> None:
    """A root that cannot be used does not keep the kernel from starting; the first cell tells."""
    kernel = new_kernel(config=AUTO, load=False, env={"JUPYTER_RECORDER_DIR": "/dev/null/recordings"})

    assert "%record: NOT RECORDING: " in kernel.run("print('one')").out
    assert "two\n" == kernel.run("print('two')").out


def test_the_root_trait_is_used_where_the_environment_says_nothing(new_kernel: Callable[..., Kernel]) -> None:
    """`RecorderMagics.root` is where recordings go, `{user}` filled in."""
    kernel = new_kernel(env={"USER": "ana", "LOGNAME": "ana", "JUPYTER_RECORDER_DIR": ""})
    place = kernel.home / "of-{user}"
    kernel.run(f"%config RecorderMagics.root = {str(place)!r}")
    ran = kernel.run("%record start here\n%record stop")

    assert "[]" not in ran.out
    (made,) = [path for path in kernel.home.iterdir() if path.name.startswith("of-")]
    assert "{user}" not in made.name
    assert ["here"] == [path.name.split("-")[0] for path in made.iterdir()]


def test_redact_off_records_what_was_shown(kernel: Kernel) -> None:
    """With `redact` off the text is as it was; on again, tokens go."""
    secret = "ghp_" + "a1B2" * 9
    for setting, expected in (("False", True), ("True", False)):
        kernel.run(f"%config RecorderMagics.redact = {setting}")
        kernel.run("%record start unredacted")
        kernel.run(f"print('{secret}')")
        kernel.run("%record stop")
        assert expected == (secret in text(kernel.events("unredacted")))


def test_loading_twice_says_so_and_records_once(kernel: Kernel) -> None:
    """A second `%load_ext` changes nothing: an output is recorded once."""
    kernel.run("%record start loaded")
    kernel.run(LOAD)
    kernel.run("print('once')")
    kernel.run("%record stop")

    assert 1 == text(kernel.events("loaded")).count("once\n")


def test_unloading_ends_the_recording(new_kernel: Callable[..., Kernel]) -> None:
    """`%unload_ext` ends what runs, with the reason, and says what it held; loading again works."""
    kernel = new_kernel()
    kernel.run("%record start unloaded")
    ran = kernel.run("%unload_ext jupyter_recorder")
    manifest = kernel.manifest("unloaded")

    assert "■ 'unloaded' holds 2 cells" in ran.out
    assert ("completed", "unloaded") == (manifest["state"], manifest["reason"])
    kernel.run(LOAD)
    assert "● recording 'again'" in kernel.run("%record start again").out


def test_the_session_is_left_as_it_was(kernel: Kernel) -> None:
    """After `stop` nothing of the recorder is left on the kernel's session, sender or streams."""
    look = (
        "import sys; k = get_ipython().kernel\n"
        "print('send' in vars(k.session), 'send_multipart' in vars(k.iopub_thread), sys.stdout.flush_interval)"
    )
    before = kernel.run(look).out
    kernel.run("%record start tidy-session")
    during = kernel.run(look).out
    kernel.run("%record stop")

    assert "False False 0.2\n" == before == kernel.run(look).out
    assert "True True 0.05\n" == during


def test_another_wrapper_of_the_session_survives(kernel: Kernel) -> None:
    """A tool that wraps `send` before or while recording goes on seeing messages after `stop`."""
    wrap = (
        "class Seen:\n"
        "    def __init__(self, session): self.send, self.count = session.send, 0\n"
        "    def __call__(self, *a, **k): self.count += 1; return self.send(*a, **k)\n"
        "s = get_ipython().kernel.session"
    )
    kernel.run(f"{wrap}\nbefore = s.send = Seen(s)")
    kernel.run("%record start wrapped")
    kernel.run("within = s.send = Seen(s)")
    kernel.run("%record stop")
    kernel.run("a, b = before.count, within.count")
    kernel.run("print('x', flush=True)")
    ran = kernel.run("print(before.count > a, within.count > b)")
    kernel.run("del s.send")

    assert "True True\n" == ran.out


def test_tab_completes_words_options_formats_and_names(kernel: Kernel) -> None:
    """After `%record` tab offers its words; after a word its options; names and formats where they belong."""
    kernel.run("%record start tabbed\n%record stop")

    assert {"start", "stop", "sh", "replay"} <= set(kernel.complete("%record s") + kernel.complete("%record r"))
    assert {"--title", "--tag", "--dir"} <= set(kernel.complete("%record start --"))
    assert {"--speed", "--idle", "--link"} <= set(kernel.complete("%record replay --"))
    assert "tabbed" in kernel.complete("%record replay tab")
    assert "notebook" in kernel.complete("%record export tabbed --to n")


def test_tab_offers_nothing_where_the_root_cannot_be_read(new_kernel: Callable[..., Kernel]) -> None:
    """A folder of recordings that cannot be listed gives no names and no error."""
    kernel = new_kernel(env={"JUPYTER_RECORDER_DIR": "/dev/null/recordings"})

    assert [] == [match for match in kernel.complete("%record replay x") if "x" not in match]
    assert "ok" == kernel.run("1").status


def test_own_patterns_are_taken_out_of_cells_and_terminals(kernel: Kernel) -> None:
    """What `redact_patterns` match goes from source, outputs and a terminal; one that cannot be used is refused."""
    refused = kernel.run("%config RecorderMagics.redact_patterns = ['fine', '(']")
    assert "can't be used to redact" in refused.out + str(refused)
    kernel.run(r"%config RecorderMagics.redact_patterns = [r'ACME-\d+']")
    kernel.run("%record start own")
    kernel.run("for part in ('see AC', 'ME-12', '3456 here'): print(part, end='')")
    kernel.run("%record sh printf 'ACME-%s' 654321")
    kernel.run("%record stop")
    files = [path for path in kernel.folder("own").rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files)

    assert b"see [redacted:custom] here" in everything
    assert b"123456" not in everything.replace(b"'3456", b"")
    assert b"654321" not in (kernel.folder("own") / "terminal.cast").read_bytes()
