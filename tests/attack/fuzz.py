"""Coverage-guided fuzzing by atheris: `python tests/attack/fuzz.py TARGET SECONDS FOLDER`.

It begins with the corpus that is kept; what it finds new is in FOLDER, and an input that goes wrong there too, as
`crash-…`: that one goes into `tests/attack/corpus/TARGET`, where `test_fuzz.py` tries it ever after.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


def with_atheris(target: str, seconds: int, folder: Path) -> None:
    """Fuzz; ends the process, with a status other than 0 if an input went wrong."""
    import atheris

    with atheris.instrument_imports(include=["jupyter_recorder"]):
        import targets
    found, scratch = folder / "found", Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
    found.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(targets.corpus(target)):
        (found / f"begin-{number}").write_bytes(data)
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={folder}/", "-timeout=20", "-max_len=16384"]
    arguments = [sys.argv[0], str(found), *options]
    atheris.Setup(arguments, lambda data: targets.run(target, data, scratch))
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def without(target: str, seconds: int, folder: Path) -> None:
    """Change the corpus at random for so long: where there is no atheris for this Python."""
    import targets
    from mutate import mutated

    scratch = Path(tempfile.mkdtemp(prefix="fuzz-", dir=_memory()))
    chance, known, deadline = random.Random(target), targets.corpus(target), time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            data = mutated(chance, known)
            try:
                targets.run(target, data, scratch)
            except BaseException:
                (folder / "crash-input").write_bytes(data)
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    fuzz = with_atheris if importlib.util.find_spec("atheris") else without
    fuzz(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
