"""What recording costs: an import, an idle minute, loading, a print."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels import LOAD, Kernel

IMPORT_MS = 60
IDLE_SHARE = 0.001
IDLE_SECONDS = 60


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Kernel]]:
    """Start kernels, each in a home of its own."""
    kernels: list[Kernel] = []

    def begin(**options: object) -> Kernel:
        home = tmp_path / str(len(kernels))
        home.mkdir()
        kernels.append(Kernel(home, **options))  # type: ignore[arg-type]
        return kernels[-1]

    yield begin
    for kernel in kernels:
        kernel.kill()


def python_ms(code: str) -> float:
    """Return how long a bare interpreter takes for `code`, in milliseconds."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
    return (time.perf_counter() - begun) * 1000


def cpu_seconds(kernel: Kernel) -> float:
    """Return the processor time that a kernel has taken so far, all its threads together, to the nanosecond."""
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9 for task in Path(f"/proc/{kernel.pid}/task").iterdir()
    )


def timed(kernel: Kernel, code: str) -> float:
    """Return how long a cell took, in seconds, as the kernel itself sees it."""
    ran = kernel.run(f"import time as _t; _b = _t.perf_counter()\n{code}\n_e = _t.perf_counter() - _b")
    assert ran.status == "ok"
    return float(kernel.run("print(_e)", silent=True).out)


def test_importing_costs_a_bare_interpreter_at_most_60_ms(record_property: Callable[[str, object], None]) -> None:
    """`import jupyter_recorder` adds at most 60 ms: the median of seven pairs, taken in turns."""
    python_ms("import jupyter_recorder")  # the compiled files are there
    pairs = [(python_ms("pass"), python_ms("import jupyter_recorder")) for _ in range(7)]
    added = statistics.median(after for _, after in pairs) - statistics.median(before for before, _ in pairs)

    record_property("import_ms", round(added, 1))
    print(f"import jupyter_recorder: {added:.1f} ms over a bare interpreter (at most {IMPORT_MS})")
    assert added <= IMPORT_MS


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="the system does not count so finely")
def test_an_idle_recording_costs_a_thousandth_of_a_core(
    start: Callable[..., Kernel], record_property: Callable[[str, object], None]
) -> None:
    """Over 60 s beside the same kernel without a recording, an idle one takes at most 0.1 % of a core more."""
    idle, recording = start(), start()
    recording.run("%record start idle")
    for kernel in (idle, recording):
        kernel.run("import time; time.sleep(1)")  # what follows a start is over
    before = [cpu_seconds(kernel) for kernel in (idle, recording)]
    threading.Event().wait(IDLE_SECONDS)
    took = [cpu_seconds(kernel) - old for kernel, old in zip((idle, recording), before, strict=True)]
    share = (took[1] - took[0]) / IDLE_SECONDS

    record_property("idle_share", share)
    print(
        f"idle for {IDLE_SECONDS} s: {took[0] * 1000:.1f} ms, recording {took[1] * 1000:.1f} ms: {share:.4%} of a core"
    )
    assert share <= IDLE_SHARE


def test_figures_of_loading_starting_and_printing(
    start: Callable[..., Kernel], record_property: Callable[[str, object], None]
) -> None:
    """`%load_ext`, `%record start`, `%record stop` and a print inside a recording, beside the same print outside."""
    kernel = start(load=False)
    begun = time.perf_counter()
    assert kernel.run(LOAD).status == "ok"
    load = time.perf_counter() - begun
    printing = "for i in range(20_000): print(i, 'a line of a usual length, as programs print them')"
    plain = min(timed(kernel, printing) for _ in range(3))
    figures = {"load_ms": load * 1000, "start_ms": timed(kernel, "%record start figures") * 1000}
    recorded = min(timed(kernel, printing) for _ in range(3))
    display = timed(kernel, "for i in range(300): display(i)")
    figures |= {"stop_ms": timed(kernel, "%record stop") * 1000}
    figures |= {"print_us": (recorded - plain) / 20_000 * 1e6}
    figures |= {"display_us": (display - timed(kernel, "for i in range(300): display(i)")) / 300 * 1e6}

    for name, value in figures.items():
        record_property(name, round(value, 1))
        print(f"{name}: {value:.1f}")
    assert os.listdir(kernel.root)
