"""Makes sure that there is a Chromium for the browser tests: found, installed by apt, or by Playwright."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
APT = Path(__file__).parent.parent / "apt_install.sh"


def find() -> str | None:
    """Return the path of an installed browser, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    if find():
        return
    if subprocess.run(["sh", APT, "chromium"], check=False).returncode == 0 and find():
        return
    print("== installing Playwright's own Chromium")
    subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=True)


if __name__ == "__main__":
    main()
