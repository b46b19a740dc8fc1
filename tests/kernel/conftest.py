"""A kernel that tests share, and ones of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import COVERED, Kernel

STOP = "import jupyter_recorder as _r\nif _r.current(): _r.stop()"


@pytest.fixture(scope="session")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Give a kernel that lives as long as the tests, for none that needs its own settings or end."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    yield kernel
    kernel.shut_down()


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Iterator[Kernel]:
    """Give the shared kernel, with nothing being recorded before and after."""
    yield shared_kernel
    assert shared_kernel.run(STOP, silent=True).status == "ok"


@pytest.fixture
def new_kernel(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels of this test's own, in one home; what still runs at its end is ended."""
    kernels: list[Kernel] = []

    def start(**options: object) -> Kernel:
        kernels.append(Kernel(tmp_path, **options))  # type: ignore[arg-type]
        return kernels[-1]

    yield start
    for kernel in kernels:
        if kernel.manager.has_kernel and COVERED:
            kernel.shut_down()
        elif kernel.manager.has_kernel:
            kernel.kill()
