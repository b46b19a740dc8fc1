"""The house's own rules: public names, the direction of imports, and that every command is documented."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_recorder
from jupyter_recorder import errors, magic, magic_load

PACKAGE = Path(jupyter_recorder.__file__).parent
README = PACKAGE.parent / "README.md"

# From the bottom up: a module imports from lower layers alone, and from its own package if that is named as one.
LAYERS = (
    {"checked", "errors"},
    {"clock", "events", "files", "forks", "ids", "interrupts", "redact", "timeline"},
    {"protocol", "status"},
    {"journal"},
    {"asciicast", "capture.ahead", "heldtext"},
    {"library"},
    {"capture.cells", "capture.chat", "capture.forked", "capture.osc", "capture.pty", "capture.terminal"},
    {"capture.chatdiff", "capture.labclients", "capture.labrooms", "capture.shell"},
    {"ownership"},
    {"recorder", "capture.ipython", "capture.kernel", "capture.run"},
    {"service"},
    {"capture.labpending"},
    {"capture.labwaiting"},
    {"hub", "capture.labchat", "capture.labterminal"},
    {"active", "client", "reading", "replay", "text"},
    {"convert"},
    {"capture.llm"},
    {"edit"},
    {"cli"},
    {"magic_health", "magic_words"},
    {"magic"},
    {"magic_load", "__main__"},
    {"server"},
    {"__init__"},
)
# Who may import what costs much, or is not everywhere.
HEAVY = {
    "IPython": ("magic", "magic_words"),
    "traitlets": ("magic", "server", "replay.widget"),
    "anywidget": ("replay.widget",),
    "ipywidgets": (),
    "nbformat": ("convert",),
    "jupyter_core": ("library", "client"),
    "httpx": ("client",),
    "websockets": ("client",),
    "tornado": ("server", "capture.labterminal", "capture.labchat"),
    "jupyter_server": ("server", "capture.labterminal", "capture.labchat"),
    "litellm": ("capture.llm.litellm",),
    "ipykernel": (),
    "jupyter_client": (),
}


def modules() -> dict[str, Path]:
    """Return the package's modules by their names below it."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


MODULES = modules()


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the imports that are run, those inside functions too, and not those for the type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        yield from statements(child)


def imported(name: str) -> Iterator[str]:
    """Yield what a module imports: of the package by its name below it, else with the package's own name."""
    path = MODULES[name]
    here = list(path.parent.relative_to(PACKAGE).parts)
    for statement in statements(ast.parse(path.read_text("utf-8"))):
        if isinstance(statement, ast.Import):
            yield from (f"/{alias.name}" for alias in statement.names)
        elif statement.level == 0:
            yield f"/{statement.module}"
        else:
            base = [*here[: len(here) - statement.level + 1], *(statement.module or "").split(".")]
            for alias in statement.names:
                whole = ".".join([*filter(None, base), alias.name])
                yield whole if whole in MODULES else whole.rpartition(".")[0] or "__init__"


def unit(name: str) -> str:
    """Return what stands in `LAYERS` for a module: itself, or the nearest package around it."""
    named = {thing for layer in LAYERS for thing in layer}
    while name not in named and "." in name:
        name = name.rpartition(".")[0]
    return name


def layer(name: str) -> int:
    """Return the number of a module's layer."""
    found = [number for number, things in enumerate(LAYERS) if unit(name) in things]
    assert found, f"{name} has no place in LAYERS yet"
    return found[0]


@pytest.mark.parametrize("name", [name for name in MODULES if MODULES[name].stat().st_size])
def test_a_module_imports_from_lower_layers_alone(name: str) -> None:
    """Dependencies point one way; a new module has a place in the order."""
    upward = [
        other
        for other in imported(name)
        if not other.startswith("/") and unit(other) != unit(name) and layer(other) >= layer(name)
    ]
    assert [] == upward


@pytest.mark.parametrize("heavy", sorted(HEAVY))
def test_what_is_heavy_is_imported_where_it_belongs(heavy: str) -> None:
    """IPython, the server's modules and their like are imported by the parts that are for them."""
    users = [name for name in MODULES if any(other.split(".")[0] == f"/{heavy}" for other in imported(name))]

    assert [] == [
        name for name in users if not any(name == place or name.startswith(f"{place}.") for place in HEAVY[heavy])
    ]


def test_no_module_is_large() -> None:
    """A module has one job: none is over 450 lines, and half of them are at most 150."""
    sizes = sorted(len(path.read_text("utf-8").splitlines()) for path in MODULES.values())

    assert sizes[-1] <= 450
    assert sizes[len(sizes) // 2] <= 150


def test_every_public_name_can_be_had() -> None:
    """Each name in `__all__` is there, and is where its home says."""
    assert sorted(jupyter_recorder.__all__) == list(jupyter_recorder.__all__)
    for name in jupyter_recorder.__all__:
        assert getattr(jupyter_recorder, name).__name__ == name


def test_the_three_lists_of_names_agree() -> None:
    """`__all__`, the homes, and the imports for type checkers name the same things in the same places."""
    tree = ast.parse(Path(jupyter_recorder.__file__).read_text("utf-8"))
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: f".{node.module}" for node in typed.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }

    assert set(jupyter_recorder.__all__) == set(jupyter_recorder._HOMES)
    assert seen == jupyter_recorder._HOMES


def test_all_errors_are_public() -> None:
    """Every error of the tree can be imported from the package, and its docstring draws it."""
    names = {
        name for name, thing in vars(errors).items() if inspect.isclass(thing) and issubclass(thing, errors.RecError)
    }

    assert names <= set(jupyter_recorder.__all__)
    assert all(name in (errors.__doc__ or "") for name in names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The lazy names do not hide a typo."""
    with pytest.raises(AttributeError, match=r"jupyter_recorder.*nosuch"):
        _ = jupyter_recorder.nosuch


def test_dir_shows_the_public_names() -> None:
    """`dir()` shows them, so that tab completes them."""
    assert set(jupyter_recorder.__all__) <= set(dir(jupyter_recorder))


def test_an_import_brings_nothing_heavy() -> None:
    """`import jupyter_recorder` loads none of its own modules, and nothing from outside Python."""
    code = "import sys; before = set(sys.modules); import jupyter_recorder; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()

    assert ["jupyter_recorder"] == [name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("word", magic.WORDS)
def test_every_word_is_documented(word: str) -> None:
    """Each word of `%record` is in the magic's own help and in the README."""
    assert f"%record {word}" in (magic.RecorderMagics.record.__doc__ or "")
    assert f"%record {word}" in README.read_text("utf-8")


def test_every_word_is_there() -> None:
    """Each documented word is a method, and each such method a word."""
    for word in magic.WORDS:
        assert callable(getattr(magic.RecorderMagics, f"_{word}"))


def test_every_option_is_documented() -> None:
    """Each option that tab offers is in the magic's own help."""
    shown = magic.RecorderMagics.record.__doc__ or ""

    assert [] == [option for options in magic_load._OPTIONS.values() for option in options if option not in shown]


@pytest.mark.parametrize("name", magic.RecorderMagics.class_own_traits(config=True))
def test_every_setting_is_documented(name: str) -> None:
    """Each setting has a help text of its own, and is in the README."""
    assert magic.RecorderMagics.class_own_traits()[name].help
    assert name in README.read_text("utf-8")


def test_the_version_is_the_projects() -> None:
    """`__version__` is what pyproject.toml says."""
    assert f'version = "{jupyter_recorder.__version__}"' in (PACKAGE.parent / "pyproject.toml").read_text("utf-8")
