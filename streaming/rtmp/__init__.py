"""RTMP, the server's side of publishing, without I/O (pure).

Sources: Adobe's Real Time Messaging Protocol 1.0 (RTMP) and Enhanced RTMP v2 (Veovera). `connection.ServerConnection`
is the door: bytes in, events out, bytes to send.
"""
