"""The Jupyter server's side: the extension and what it does at its start."""
