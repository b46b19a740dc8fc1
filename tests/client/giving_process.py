"""A program that gives events to a client until it is killed, and says of each when it was taken.

`giving_process.py URL OUTBOX SESSION MODE COUNT PAUSE`: a session with one growing message. A line `event_id` for an
event, `+n` for the n-th token.
"""

from __future__ import annotations

import sys
import time

from jupyter_recorder import RecorderClient


def main(url: str, outbox: str, session_id: str, mode: str, count: str, pause: str) -> None:
    """Give tokens, each its own number in brackets, and every 50th one a message of its own."""
    client = RecorderClient(url, "test-token", outbox=outbox, mode=mode)  # type: ignore[arg-type]
    session = client.session(session_id)
    session.add("assistant", message_id="stream")
    print("started", flush=True)
    for number in range(int(count)):
        session.append("stream", f"[{number}]")
        print(f"+{number}", flush=True)
        if number % 50 == 49:
            print(session.add("user", f"message {number}", message_id=f"m{number}"), flush=True)
        if float(pause):
            time.sleep(float(pause))
    session.end()
    print("given", flush=True)
    client.flush(60)
    print("safe", flush=True)
    client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
