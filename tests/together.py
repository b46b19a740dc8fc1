"""Things done at one moment, by as many threads."""

from __future__ import annotations

import threading
from collections.abc import Callable


def at_once(*tasks: Callable[[], object]) -> list[Exception]:
    """Run tasks in threads that begin together; return what they raised."""
    together = threading.Barrier(len(tasks))
    raised: list[Exception] = []

    def run(task: Callable[[], object]) -> None:
        together.wait()
        try:
            task()
        except Exception as error:  # the caller looks at it
            raised.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
