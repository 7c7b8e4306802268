"""A camera: RTSP 1.0 (RFC 2326) over one TCP connection, H.264 in RTP packets (RFC 6184), in real time."""

from __future__ import annotations

import itertools
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av

PACKET = 1200
"""Bytes of a NAL unit that travel at once."""
CLOCK = 90_000


@contextmanager
def camera(film: Any, fps: int, hurry: float = 1.0, silent_after: int | None = None) -> Iterator[str]:
    """The address of a camera that shows a film (MPEG-TS of H.264) once and hangs up.

    hurry          how many times faster than real time it sends
    silent_after   keeps the connection open after so many pictures, and sends nothing more
    """
    with av.open(film) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                for answer, played in _talk(client):
                    client.sendall(answer)
                    if played:
                        break
                sent = itertools.count()
                for number, picture in enumerate(pictures):
                    if number == silent_after:
                        over.wait(60)
                        return
                    for packet in _packets(picture, number, fps, sent):
                        client.sendall(packet)
                    time.sleep(1 / fps / hurry)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"rtsp://127.0.0.1:{server.getsockname()[1]}/camera"
        over.set()
        thread.join(10)


def _talk(client: socket.socket) -> Iterator[tuple[bytes, bool]]:
    """Answers to requests, until PLAY."""
    received = b""
    while data := client.recv(4096):
        received += data
        while b"\r\n\r\n" in received:
            request, received = received.split(b"\r\n\r\n", 1)
            method = request.decode().split(" ", 1)[0]
            sequence = re.search(r"CSeq: *(\d+)", request.decode(), re.IGNORECASE)
            assert sequence is not None
            head, body = "", ""
            if method == "OPTIONS":
                head = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif method == "DESCRIBE":
                body = (
                    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                    f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/{CLOCK}\r\na=fmtp:96 packetization-mode=1\r\n"
                    "a=control:track\r\n"
                )
                head = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif method == "SETUP":
                assert b"RTP/AVP/TCP" in request
                head = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
            elif method == "PLAY":
                head = "Session: 1\r\n"
            yield f"RTSP/1.0 200 OK\r\nCSeq: {sequence[1]}\r\n{head}\r\n{body}".encode(), method == "PLAY"


def _packets(picture: bytes, number: int, fps: int, sent: Iterator[int]) -> Iterator[bytes]:
    """One picture's NAL units, whole or in fragments, each behind an RTP head (numbered by `sent`) on channel 0."""
    units = [unit for unit in re.split(rb"\x00{2,3}\x01", picture) if unit]
    pieces: list[bytes] = []
    for unit in units:
        if len(unit) <= PACKET:
            pieces.append(unit)
            continue
        indicator, kind, rest = unit[0] & 0xE0 | 28, unit[0] & 0x1F, unit[1:]
        for start in range(0, len(rest), PACKET):
            ends = (start == 0) << 7 | (start + PACKET >= len(rest)) << 6
            pieces.append(bytes((indicator, ends | kind)) + rest[start : start + PACKET])
    for piece in pieces:
        last = piece is pieces[-1]
        head = struct.pack(">BBHII", 0x80, last << 7 | 96, next(sent) & 0xFFFF, number * CLOCK // fps, 1)
        yield struct.pack(">cBH", b"$", 0, len(head) + len(piece)) + head + piece
