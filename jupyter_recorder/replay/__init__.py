"""Replays: a recording's tracks on one clock, shown where notebooks are shown.

`bundle` puts a recording into a MIME bundle; the player itself is TypeScript (`labextension/src/replay/`), built into
`static/`.
"""
