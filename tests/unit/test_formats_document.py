"""docs/formats.md tells of every format, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_recorder.convert import FORMATS, IMPORT_FORMATS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
OUT, IN = DOCUMENT.split("\n## In\n")


def named(text: str) -> list[str]:
    """Return the first word of each row of a table."""
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_export_format_is_documented_with_its_ending() -> None:
    """A row for each, with the ending that its files have."""
    assert sorted(format_.name for format_ in FORMATS) == sorted(named(OUT))
    for format_ in FORMATS:
        assert f"| `{format_.name}` | `{format_.ending}` |" in OUT


def test_every_import_format_is_documented() -> None:
    """A row for each."""
    assert sorted(format_.name for format_ in IMPORT_FORMATS) == sorted(named(IN))


def test_the_examples_name_what_there_is() -> None:
    """The code in the document compiles, and imports what exists."""
    for block in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL):
        compile(block, "formats.md", "exec")
        exec("\n".join(line for line in block.splitlines() if line.startswith(("from ", "import "))), {})
