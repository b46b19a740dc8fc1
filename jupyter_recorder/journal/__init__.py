"""The journal: one append-only NDJSON file that is the truth of a recording.

**File.** `session.ndjson`: UTF-8, one JSON object a line, lines end in `\\n` and nothing else ends one. The
first line is the header, the last the footer if the recording ended in order (after a resume, more events and
another footer follow; the last footer counts)::

    {"type":"header","format":"jupyter-recorder","version":1,"segment":0,"first_seq":1,"id":…,"name":…,
     "kind":…,"started_at":ms,"writer":{…},"env":{"SHELL":…,"TERM":…}}
    {"seq":1,"at":ms,"type":…, …}
    {"type":"footer","at":ms,"status":"completed","events":n}

**Events.** `seq` counts from 1 without gaps; `at` is in Unix milliseconds and never decreases; the types are in
`jupyter_recorder.events`. Readers keep types and fields that they do not know. `prev` and `sig` are reserved.

**Safe means synced.** An event is durable, and may be acknowledged, once `fdatasync` has returned for its bytes.
Writes are grouped: bytes are handed to the system at most 50 ms after the event, whether or not a sync is in
flight; one sync a file is in flight at a time, and the next round begins when the last one ends.

**Torn tail.** A crash can leave bytes after the last whole line (no newline, or a last line that does not parse).
They are appended to `session.ndjson.broken`, synced, and then cut off. That is not corruption. A line that does
not parse *before* the last whole line is damage: reported, skipped, never rewritten.

**Segments.** After a failed write or sync nothing more is acknowledged on that file: a retried sync can falsely
succeed. Writing goes on in `session.1.ndjson`, whose header names its `segment` and `first_seq`, beginning with
the events that were not yet durable; then a `gap` line says what happened. A reader takes a `seq` from the
highest segment that has it. A terminal's `.cast` has segments likewise (`terminal.1.cast`, header key
`first_event`).

**Blobs.** A payload over 64 KiB stands in `blobs/<sha256>`, synced before the line that names it as
`{"blob": sha256, "size": bytes, "mime": type}`: the UTF-8 of a string, or the JSON text of any other value.

**Modules.** `codec` (lines, pure), `commit` (who writes and syncs when), `segment` (one open file), `log` (files
one after the other: what is durable), `room` (how much a slow disk may hold back), `writer` (numbers and encodes
events), `reader`, `tail` (lines from the end), `find` (one event), `repair`, `blobs`, `dedupe` with `fingerprints`
(which events are there already), `cache` (where what can be rebuilt stands).
"""
