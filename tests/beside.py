"""Runs pytest several times beside each other, since most tests wait for others: kernels, servers, disks, browsers.

    python tests/beside.py "ARGUMENTS OF ONE" "ARGUMENTS OF ANOTHER" …

What the first one prints comes as it comes, that of the others when they are done. The exit status is 1 if one failed.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile


def main() -> None:
    """Run them all, also when one fails."""
    first, *others = ([sys.executable, "-m", "pytest", *shlex.split(arguments)] for arguments in sys.argv[1:])
    logs = [tempfile.TemporaryFile() for _ in others]  # noqa: SIM115  # they outlive this line
    running = [subprocess.Popen(one, stdout=log, stderr=log) for one, log in zip(others, logs, strict=True)]
    failed = subprocess.run(first, check=False).returncode != 0
    for process, log in zip(running, logs, strict=True):
        failed |= process.wait() != 0
        log.seek(0)
        shutil.copyfileobj(log, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    sys.exit(failed)


if __name__ == "__main__":
    main()
