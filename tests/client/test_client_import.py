"""What a program that only records has to load."""

from __future__ import annotations

import subprocess
import sys


def test_a_client_needs_no_server_modules() -> None:
    """Making a client loads neither tornado nor Jupyter's server, IPython or traitlets' configuration."""
    code = (
        "import sys, tempfile; from jupyter_recorder import RecorderClient;"
        "RecorderClient('http://127.0.0.1:9', outbox=tempfile.mkdtemp()).close(0);"
        "heavy = {'tornado', 'jupyter_server', 'IPython', 'ipykernel', 'traitlets'}; print(*heavy & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "\n" == done.stdout
