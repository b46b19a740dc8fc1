"""The words after `%record`, taken apart."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError

from jupyter_recorder.magic_words import (
    Parser,
    ShellWords,
    check_replay,
    free_text,
    name_of_command,
    one_name,
    shell_words,
)


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("ls -l", ShellWords(None, None, False, "ls -l")),
        ("--name x ls", ShellWords("x", None, False, "ls")),
        ("--name=x ls", ShellWords("x", None, False, "ls")),
        ("--name 'a b' ls", ShellWords("a b", None, False, "ls")),
        ('--name "a b" --size 80x24 --input top', ShellWords("a b", (80, 24), True, "top")),
        ("ls --name x", ShellWords(None, None, False, "ls --name x")),
        ("echo  'a  b' | cat", ShellWords(None, None, False, "echo  'a  b' | cat")),
        ("--input", ShellWords(None, None, True, "")),
        ("", ShellWords(None, None, False, "")),
        ("-x", ShellWords(None, None, False, "-x")),
        ("--input\necho", ShellWords(None, None, True, "\necho")),
    ],
)
def test_options_come_before_the_command(rest: str, expected: ShellWords) -> None:
    """Options are taken off the front; all after the first word that is none is the command, as it was typed."""
    assert expected == shell_words(rest)


@pytest.mark.parametrize(
    "rest", ["--bogus ls", "--nameless x", "--size ls", "--size 0x0 ls", "--size 80x24x1 ls", "--inputs ls"]
)
def test_an_option_that_is_none_is_a_mistake(rest: str) -> None:
    """What looks like an option and is none is refused, not run."""
    with pytest.raises(UsageError, match="%record sh: "):
        shell_words(rest)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("ls -l", "ls"),
        ("/usr/bin/make test", "make"),
        ("./run.sh", "run.sh"),
        ("# build\nmake", "build"),
        ("", "terminal"),
        ("$(", "terminal"),
        ("..", "terminal"),
        ("x" * 500, "x" * 40),
    ],
)
def test_a_recording_is_called_after_its_program(command: str, name: str) -> None:
    """The name is the program's, without folders, leading dots and what is too long."""
    assert name == name_of_command(command)


def test_free_text_is_taken_with_and_without_quotes() -> None:
    """One pair of quotes around the whole goes; quotes inside stay."""
    assert "a b" == free_text("mark", "LABEL", ' "a b" ') == free_text("mark", "LABEL", "a b")
    assert "it's 5 o'clock" == free_text("mark", "LABEL", "it's 5 o'clock")


@pytest.mark.parametrize("rest", ["", "  ", "''", '""'])
def test_free_text_must_be_some(rest: str) -> None:
    """Nothing, or empty quotes, is a mistake that names what is wanted."""
    with pytest.raises(UsageError, match="%record mark: give it a LABEL"):
        free_text("mark", "LABEL", rest)


def test_a_cells_one_name() -> None:
    """`%%record` takes none or one name."""
    assert [None, "x", "a b"] == [one_name(""), one_name("x"), one_name("'a b'")]
    with pytest.raises(UsageError, match="takes one NAME"):
        one_name("a b")


@pytest.mark.parametrize(("speed", "idle", "start"), [(1, None, 0), (0.01, 0, 1e6), (1e6, 2, 0.5)])
def test_what_a_player_can_do_passes(speed: float, idle: float | None, start: float) -> None:
    """Positive speeds, idle limits and starts are taken."""
    check_replay(speed, idle, start)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_what_no_player_can_do_is_a_mistake(value: float) -> None:
    """A number below the least, and what is no number, is named with its option."""
    for option, arguments in (("--speed", (value, None, 0)), ("--idle", (1, value, 0)), ("--start", (1, None, value))):
        with pytest.raises(UsageError, match=option):
            check_replay(*arguments)


def test_a_mistake_never_exits() -> None:
    """A parser's error is a `UsageError` of one line, and abbreviations are none of its options."""
    parser = Parser("start")
    parser.add_argument("--title")
    for rest in ("--titl x", "--title", "surplus", "'"):
        with pytest.raises(UsageError) as caught:
            parser.read(rest)
        assert "\n" not in str(caught.value)
