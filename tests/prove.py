"""`make prove`: the full size of what `make test` does in small, bounded, resumable, with a table at the end.

    python tests/prove.py [--minutes M] [--only TEXT] [--fresh] [--list]

What has passed is noted in `.prove/state.ndjson` and skipped the next time, as long as package and tests are the same
bytes. The folders of what failed stay in `.prove/failed`. The exit status is 1 if something failed, 3 if there was no
time for all (run it again), else 0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final, NamedTuple

TESTS: Final = Path(__file__).parent
PROJECT: Final = TESTS.parent
PLACE: Final = PROJECT / ".prove"
sys.path[:0] = [str(TESTS / "crash"), str(TESTS)]

import harness  # noqa: E402  # found by the line above

ROUNDS: Final = 30
FUZZ_SECONDS: Final = 150
WORKERS: Final = 2
FAILED, INCOMPLETE = 1, 3


class Proof(NamedTuple):
    """One thing to prove: `run` is given an empty folder and returns how much was shown, or raises."""

    group: str
    name: str
    run: Callable[[Path], int]


class Result(NamedTuple):
    """How it went: `shown` counts what was compared (pieces, examples, seconds of fuzzing)."""

    group: str
    name: str
    passed: bool
    shown: int
    seconds: float


def crashes() -> Iterator[Proof]:
    """Yield the harness' cases, so many rounds of each subject with each hurt."""
    for seed in range(1, ROUNDS + 1):
        for subject in harness.SUBJECTS:
            for hurt in harness.HURTS:
                case = harness.Case(subject, hurt, seed)
                yield Proof(f"crash: {hurt}", str(case), lambda folder, case=case: _crash(case, folder))  # type: ignore[misc]


def _crash(case: harness.Case, folder: Path) -> int:
    if case.hurt.startswith("disk full") and not harness.can_mount(folder / "try"):
        return 0
    return harness.run(case, folder)


def suites() -> Iterator[Proof]:
    """Yield the tests that have a full size, a part at a time so that a run can end between two."""
    for part in range(8):
        yield _suite("model", "tests/crash/test_model.py", part, 25, MODEL_EXAMPLES="25", MODEL_STEPS="25")
        yield _suite("journal killed", "tests/crash/test_journal.py -k killed_process", part, 50, KILL_SEED=str(part))
        yield _suite("server killed", "tests/server/test_kill.py", part, 15, SERVER_KILLS="15", KILL_SEED=str(part))
        yield _suite(
            "client and server cut and killed",
            "tests/client/test_chaos.py",
            part,
            40,
            CHAOS_STEPS="40",
            KILL_SEED=str(part),
        )
    yield _suite("S2: bodies and frames", "tests/server/test_fuzz.py", 0, 20_000, FUZZ_BODIES="10000")
    yield _suite("documents (schemathesis)", "tests/server/test_documents.py", 0, 1)
    yield _suite("every other crash test", "tests/crash --ignore tests/crash/test_model.py", 0, 1)
    yield _suite("attacks", "tests/attack", 0, 1, ATTACK_EXAMPLES="2000")


def _suite(group: str, arguments: str, part: int, shown: int, **environment: str) -> Proof:
    def run(folder: Path) -> int:
        command = [sys.executable, "-m", "pytest", "-q", "-x", f"--basetemp={folder / 'tmp'}", *_words(arguments)]
        _check(command, {**environment, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "examples")})
        return shown

    return Proof(group, f"{group} {part + 1}", run)


def _words(arguments: str) -> list[str]:
    return [*arguments.split(), "--ignore", "tests/browser"]


def fuzzers() -> Iterator[Proof]:
    """Yield a coverage-guided run for each target."""
    for target in ("journal", "cast", "import", "event"):

        def run(folder: Path, target: str = target) -> int:
            _check([sys.executable, str(TESTS / "attack" / "fuzz.py"), target, str(FUZZ_SECONDS), str(folder)], {})
            return FUZZ_SECONDS

        yield Proof("fuzzing", f"fuzz {target}", run)


def _check(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}")


# -- the state


def version() -> str:
    """Return a digest of all that the results rest on."""
    digest = hashlib.sha256()
    for folder in (PROJECT / "jupyter_recorder", TESTS):
        for path in sorted(folder.rglob("*.py")):
            digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


class State:
    """What has passed before, of the same bytes."""

    def __init__(self, *, fresh: bool) -> None:
        PLACE.mkdir(exist_ok=True)
        self._file, self._version = PLACE / "state.ndjson", version()
        self.passed: dict[str, Result] = {}
        for line in self._file.read_text("utf-8").splitlines() if self._file.exists() and not fresh else ():
            try:
                one: dict[str, Any] = json.loads(line)
                if one.pop("version") == self._version:
                    self.passed[one["name"]] = Result(**one)
            except (ValueError, KeyError, TypeError):  # a line that a kill has torn
                continue
        if fresh:
            self._file.unlink(missing_ok=True)

    def note(self, result: Result) -> None:
        """Keep what has passed."""
        if result.passed:
            line = json.dumps({**result._asdict(), "version": self._version})
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"\n{line}" if self._file.stat().st_size else line)


# -- running


def prove(proof: Proof) -> Result:
    """Run one proof; what fails is told, and its folder kept."""
    folder = Path(tempfile.mkdtemp(prefix="prove-"))
    begun = time.monotonic()
    try:
        shown, passed = proof.run(folder), True
    except Exception:  # told below, and the others go on
        shown, passed = 0, False
        kept = PLACE / "failed" / proof.name.replace(" ", "-").replace("/", "-")
        kept.parent.mkdir(exist_ok=True)
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, symlinks=True, ignore_dangling_symlinks=True, ignore=_is_special)
        print(f"\nFAILED {proof.name} (kept in {kept}; again: --only {proof.name!r})\n{traceback.format_exc()}")
    shutil.rmtree(folder, ignore_errors=True)
    return Result(proof.group, proof.name, passed, shown, round(time.monotonic() - begun, 2))


def _is_special(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (path := Path(folder, name)).is_file() and not path.is_dir()]


def run_all(proofs: list[Proof], state: State, minutes: float) -> list[Result]:
    """Run what has not passed yet, until it is done or time is up."""
    deadline = time.monotonic() + minutes * 60
    results: list[Result] = []
    todo = iter(proofs)
    with ThreadPoolExecutor(WORKERS) as pool:
        running: set[Future[Result]] = set()
        while True:
            while len(running) < WORKERS and time.monotonic() < deadline and (proof := next(todo, None)) is not None:
                running.add(pool.submit(prove, proof))
            if not running:
                return results
            done, running = wait(running, return_when="FIRST_COMPLETED")
            for future in done:
                results.append(future.result())
                state.note(results[-1])
                print("." if results[-1].passed else "F", end="", flush=True)


def table(proofs: list[Proof], results: dict[str, Result]) -> str:
    """Return how it stands, a line a group."""
    groups: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        groups[proof.group].append(proof)
    rows = ["| what | cases | passed | failed | not run | compared | seconds |", "|---|---|---|---|---|---|---|"]
    for group, members in groups.items():
        found = [results[proof.name] for proof in members if proof.name in results]
        passed = sum(one.passed for one in found)
        rest = [len(found) - passed, len(members) - len(found), sum(one.shown for one in found)]
        rows.append(
            f"| {group} | {len(members)} | {passed} | {' | '.join(f'{n:,}' for n in rest)} |"
            f" {sum(one.seconds for one in found):,.0f} |"
        )
    return "\n".join(rows)


def main() -> int:
    """Prove, and say how it went."""
    parser = argparse.ArgumentParser(description="The full size of what `make test` does in small.")
    parser.add_argument("--minutes", type=float, default=58, help="how long it may take (default: 58)")
    parser.add_argument("--only", default="", help="those with this text in their name")
    parser.add_argument("--fresh", action="store_true", help="forget what has passed before")
    parser.add_argument("--list", action="store_true", help="say what there is, and end")
    options = parser.parse_args()
    # What takes long comes first, so that both workers end together.
    proofs = [one for one in (*suites(), *fuzzers(), *crashes()) if options.only in one.name]
    if options.list:
        print("\n".join(proof.name for proof in proofs))
        return 0
    state = State(fresh=options.fresh)
    todo = [proof for proof in proofs if proof.name not in state.passed]
    print(f"{len(proofs):,} proofs, {len(proofs) - len(todo):,} of them passed before; at most {options.minutes:g} min")
    results = run_all(todo, state, options.minutes)
    known = {**state.passed, **{one.name: one for one in results}}
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"\n\n{table(proofs, known)}\n\n{machine}")
    if any(not one.passed for one in results):
        return FAILED
    return INCOMPLETE if any(proof.name not in known for proof in proofs) else 0


if __name__ == "__main__":
    sys.exit(main())
