"""Recording to a server from any program: an outbox on disk, a WebSocket, HTTP beside it.

`client` is what a program sees. An event enters through `intake` (checked, named, numbered) into the `outbox` (whose
file's format stands in `lines`) and the `backlog` (the same in memory); `delivery` sends it by a `link`, and judges the
`answers`. No module here needs tornado or a server's modules.
"""
