"""One terminal's file: an asciicast, the format of asciinema.

What is written (version 2, so that every player reads it): UTF-8 text, one JSON value a line, lines ended by "\\n"
alone and beginning with `{` or `[`.

    {"version":2,"width":80,"height":24,"timestamp":1795216501,"env":{"SHELL":"/bin/sh","TERM":"xterm-256color"}}
    [0.250000,"o","$ "]
    [1.000000,"r","100x30"]

- Line 1 is the header: `width` and `height` in characters, `timestamp` in whole Unix seconds. Further keys are kept
  beside the known ones (`metadata` by a program that records, `first_event` in a later segment).
- Each other line is an event: seconds since the start with six decimals, never decreasing and always finite; a code of
  one character; its data, always a string without lone surrogates. `o` is output, `i` input, `m` a marker, `r` a new
  size as COLSxROWS.
- Bytes of a terminal are decoded as one stream: a character cut over two reads is whole, what is no UTF-8 becomes
  U+FFFD.

What is read: versions 2 and 3. In version 3 the size is `term.cols` and `term.rows`, times are intervals since the
event before, `#` begins a comment line, and `x` is the exit status; events are given with absolute times either way.

- Unknown codes and unknown header keys are kept; more than three members of an event are ignored.
- A line that is no event is skipped and counted; in particular a time that is no number, not finite, or over 10^9
  seconds. A time that goes backwards counts as the time before.
- A last line that is no event is a torn tail: reported, not counted as damage. A last line without its "\\n" that is
  whole is an event.
- Lone surrogates become U+FFFD. Of keys that stand twice in a header the last counts. Numbers in a header that are not
  finite count as absent.
- A header that is missing, over-long, not JSON, of another version, or whose size is out of bounds makes the file no
  asciicast (`InvalidCast`). A header without events is a recording.

Sources: the asciicast v2 and v3 documents of asciinema; for the strictness, what its command line tools refuse.

    format   lines to bytes and back; pure
    reader   whole files, as a stream
    writer   a recording's own file, appended to and made durable
    recorder a session of a program that embeds it: the `.cast` (`linefile`, `text`) and its `sidecar`, written in
             `turns` that never raise, with what went wrong (`failures`)
"""
