"""What search costs: 20,000 messages (18.7 MB) into the index, and a query, with FTS5 alone as the floor."""

from __future__ import annotations

import random
import sqlite3
import time
from itertools import accumulate
from pathlib import Path

import pytest

from jupyter_recorder.library.catalog import Catalog
from jupyter_recorder.library.library import Library
from jupyter_recorder.recorder import Recorder

MESSAGES = 20_000


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Messages of about 940 bytes, their words as frequent as those of a language."""
    chance = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 10))) for _ in range(20_000)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(words))))
    return [" ".join(chance.choices(words, cum_weights=weights, k=134)) for _ in range(MESSAGES)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Library:
    """One recording of them."""
    library = Library(tmp_path_factory.mktemp("bench") / "root")
    recorder = Recorder.start(library, "chat", "chat")
    for number, text in enumerate(texts):
        recorder.chat.add("user", text)
        if number % 1000 == 0:
            recorder.wait()
    recorder.stop()
    return library


def floor(path: Path, texts: list[str]) -> float:
    """Return the seconds that FTS5 alone takes for the texts, in the same form."""
    table = sqlite3.connect(path, isolation_level=None)
    table.execute("PRAGMA journal_mode=WAL")
    table.execute("PRAGMA synchronous=OFF")
    table.execute("CREATE VIRTUAL TABLE t USING fts5(text, a UNINDEXED, b UNINDEXED, c UNINDEXED, columnsize=0)")
    began = time.perf_counter()
    for start in range(0, len(texts), 1000):
        table.execute("BEGIN")
        rows = [(text, 1, "chat", 1795216501000) for text in texts[start : start + 1000]]
        table.executemany("INSERT INTO t VALUES(?, ?, ?, ?)", rows)
        table.execute("COMMIT")
    return time.perf_counter() - began


def test_indexing_costs_little_over_the_floor(library: Library, texts: list[str], tmp_path: Path) -> None:
    """Reading, joining and indexing messages takes at most twice what FTS5 alone takes."""
    ratios = []
    for attempt in range(3):
        alone = floor(tmp_path / f"floor{attempt}", texts)
        catalog = Catalog(library, tmp_path / f"cache{attempt}")
        began = time.perf_counter()
        assert catalog.update()
        took = time.perf_counter() - began
        ratios.append(took / alone)
        size = sum(path.stat().st_size for path in catalog.path.parent.iterdir())
        print(f"\nindex: {MESSAGES / took:,.0f} messages/s; FTS5 alone {MESSAGES / alone:,.0f}; {size / 1e6:.0f} MB")
        catalog.close()

    assert 2.0 > min(ratios)


def test_a_query_takes_milliseconds(library: Library, texts: list[str], tmp_path: Path) -> None:
    """A query over all of them, from rare words to the most frequent, takes at most 5 ms at the median."""
    catalog = Catalog(library, tmp_path / "cache")
    catalog.update()
    words = texts[7].split()
    queries = [words[0], words[1], f"{words[2]} {words[3]}", f'"{words[4]} {words[5]}"', f"{words[6][:3]}*"]
    took = []
    for _ in range(20):
        for query in queries:
            began = time.perf_counter()
            assert catalog.search(query).hits
            took.append(time.perf_counter() - began)
    print(f"\nquery: median {sorted(took)[len(took) // 2] * 1e3:.2f} ms, worst {max(took) * 1e3:.2f} ms")
    assert sorted(took)[len(took) // 2] < 0.005
