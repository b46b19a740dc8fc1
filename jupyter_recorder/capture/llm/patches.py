"""Places in other packages that are replaced, and put back as they were, to the identity of the object."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

_ABSENT: Any = object()


class Patches:
    """What was replaced, to be undone in the reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def attribute(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace an attribute by what `make` makes of it; `owner` need not have it itself."""
        own = vars(owner).get(name, _ABSENT)
        setattr(owner, name, make(getattr(owner, name)))
        self._undo.append(lambda: delattr(owner, name) if own is _ABSENT else setattr(owner, name, own))

    def cell(self, cell: types.CellType, make: Callable[[Any], Any]) -> None:
        """Replace what a function's closure holds: the function itself stays, wherever it was imported to."""
        before = cell.cell_contents
        cell.cell_contents = make(before)
        self._undo.append(lambda: setattr(cell, "cell_contents", before))

    def when_imported(self, name: str, patch: Callable[[Any], object]) -> None:
        """Call `patch` with a module: now if it is there, else when the program imports it."""
        module = sys.modules.get(name)
        # One that is being imported at this moment has not all of its names yet.
        if module is not None and not getattr(module.__spec__, "_initializing", False):
            patch(module)
            return
        finder = _Finder(name, patch)
        sys.meta_path.insert(0, finder)
        self._undo.append(lambda: sys.meta_path.remove(finder) if finder in sys.meta_path else None)

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module as it would have been found, and tells when it has been run."""

    def __init__(self, name: str, tell: Callable[[Any], object]) -> None:
        self._name, self._tell = name, tell

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module by the other finders."""
        if fullname != self._name:
            return None
        for finder in [one for one in sys.meta_path if not isinstance(one, _Finder)]:
            spec = finder.find_spec(fullname, path, target) if hasattr(finder, "find_spec") else None
            if spec is not None and spec.loader is not None:
                self._tell_after(spec.loader)
                return spec
        return None

    def _tell_after(self, loader: Any) -> None:
        run = loader.exec_module

        def exec_module(module: types.ModuleType) -> None:
            del loader.exec_module
            run(module)
            if self in sys.meta_path:
                self._tell(module)

        loader.exec_module = exec_module
