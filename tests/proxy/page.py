"""The programs of docs/embedding.md, as they stand on the page."""

from __future__ import annotations

import re
import types
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "embedding.md"


def program(heading: str) -> str:
    """Return the one program below a heading of the second level."""
    (section,) = re.findall(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", PAGE.read_text("utf-8"), re.M | re.S)
    (code,) = re.findall(r"^```python\n(.*?)^```$", section, re.M | re.S)
    return str(code)


def proxy() -> types.ModuleType:
    """Return the SSH server of the page as a module of its own."""
    module = types.ModuleType("embedding_page")
    exec(compile(program("An SSH proxy that records"), str(PAGE), "exec"), vars(module))
    return module
