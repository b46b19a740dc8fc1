"""`docs/cli.md`, made of the commands' own help: `python -m jupyter_recorder.cli.reference > docs/cli.md`."""

from __future__ import annotations

import os

from . import GROUPS, help_text, parser_of

_HEAD = """# `jupyter recorder`

Made from the program's own `--help` by `python -m jupyter_recorder.cli.reference`; a test holds it.

```
{help}```
"""


def reference() -> str:
    """Return the whole reference, the same on every machine."""
    before, os.environ["COLUMNS"] = os.environ.get("COLUMNS"), "100"
    try:
        parts = [_HEAD.format(help=help_text())]
        for group, commands in GROUPS:
            parts.append(f"\n## {group[0].upper()}{group[1:]}\n")
            for command in commands:
                shown = parser_of(command).format_help()
                parts.append(f"\n### {command.name}\n\n```\n{shown}```\n")
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return "".join(parts)


if __name__ == "__main__":
    print(reference(), end="")
