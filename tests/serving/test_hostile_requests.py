"""A hundred requests that mean no good, over real sockets: each has a status, none stops the server or leaves a file."""

from __future__ import annotations

import gzip
import io
import json
import os
import socket
import struct
import tempfile
import threading
import time
import zipfile
from contextlib import ExitStack

import numpy as np
import pytest
import soundfile
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.serving.app import make_app
from ser_acrnn.serving.limits import Limits

RATE = 16_000
LIMITS = Limits(body_bytes=1_000_000, files=5, recording_seconds=20, waiting=8, sending_seconds=1, answer_seconds=60, streams=2)
GONE = 0  # no answer: who asked has gone away, or did not speak HTTP


def encoded(samples, kind="WAV"):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=kind)
    return file.getvalue()


def sound(seconds=1.0):
    time_ = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * 200 * time_) * np.abs(np.sin(2 * np.pi * 2 * time_))
    return 0.3 * tone + 0.001 * np.random.default_rng(0).normal(size=len(time_))


GOOD = encoded(sound())


class Served:
    """The server in a thread of this process, on a port of its own."""

    def __init__(self, predictor):
        self.server = uvicorn.Server(uvicorn.Config(make_app(predictor, LIMITS), log_config=None, ws_max_size=2**16))
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.thread = threading.Thread(target=self.server.run, args=([listener],))
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def status(self, *pieces, pause=0.0, closes=False):
        """The status of what is answered to some bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
                if closes:
                    connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(65_536)
            except (BrokenPipeError, ConnectionResetError):  # it has answered before all was sent
                answer = b""
            return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else GONE

    def end(self):
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nothing-is-written-here")
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    predictor = Predictor("acrnn3d-emodb")
    server = Served(predictor)
    server.folder, server.expected = folder, predictor.predict(GOOD).emotion
    yield server
    server.end()
    tempfile.tempdir = before


@pytest.fixture(autouse=True)
def nothing_has_happened(served):
    """After each test the server answers as before it, and there is no file."""
    yield
    assert ask(served, GOOD) == 200
    assert os.listdir(served.folder) == []


def request(body=b"", *headers, length=None, target="/predict", method="POST"):
    lines = [f"{method} {target} HTTP/1.1", "Host: a", *headers]
    lines += [] if length == "" else [f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def ask(served, body, *headers, **more):
    return served.status(request(body, *headers, **more))


def form(*parts, boundary="x"):
    """Parts `(disposition, content)` as a body, and its header."""
    body = (
        b"".join(b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
        + b"--x--\r\n"
    )
    return body, f"Content-Type: multipart/form-data; boundary={boundary}"


def zipped(size=10_000_000):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(size))
    return file.getvalue()


def header(place, code, value):
    changed = bytearray(GOOD)
    struct.pack_into(code, changed, place, value)
    return bytes(changed)


NO_RECORDINGS = {
    "nothing": b"",
    "text": b"I am no sound. " * 100,
    "JSON": json.dumps({"audio": ["../../etc/passwd"]}).encode(),
    "HTML": b"<script>alert(1)</script>",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(1_000),
    "a program": b"\x7fELF" + bytes(1_000),
    "a zip bomb": zipped(),
    "a gzip bomb": gzip.compress(bytes(10_000_000)),
    "zeros": bytes(100_000),
    "noise": np.random.default_rng(0).bytes(100_000),
    "a playlist of files": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
    "a list to concatenate": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "a stream's description": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "silence for hours": encoded(np.zeros(RATE * 3_600), "FLAC"),
    "a tone for longer than is allowed": encoded(np.sin(np.arange(RATE * 25)), "OGG"),
    "NaN": b"RIFF"
    + struct.pack("<I", 36 + 64_000)
    + b"WAVEfmt \x10\0\0\0\3\0\1\0"
    + struct.pack("<IIHH", RATE, 4 * RATE, 4, 32)
    + b"data"
    + struct.pack("<I", 64_000)
    + np.full(16_000, np.nan, "<f4").tobytes(),
    "no channel": header(22, "<H", 0),
    "65535 channels": header(22, "<H", 65_535),
    "a rate of 0": header(24, "<I", 0),
    "0 bits": header(34, "<H", 0),
    "an unknown coding": header(20, "<H", 0xABCD),
    "a header of 4 GB": header(16, "<I", 2**32 - 1),
    "more samples than there are": header(40, "<I", 2**30),
    **{f"cut off after {size}": GOOD[:size] for size in (1, 3, 4, 8, 11, 12, 16, 20, 30, 36, 40, 43, 44, 45, 100, 1_000, 4_000)},
    **{f"{kind} cut off": encoded(sound(), kind)[:2_000] for kind in ("FLAC", "OGG", "AIFF", "CAF", "W64")},
    **{
        f"the beginning of {kind} alone": start
        for kind, start in {"MP3": b"\xff\xfb\x90\x64", "MP4": b"\0\0\0\x20ftypM4A ", "WebM": b"\x1aE\xdf\xa3"}.items()
    },
}


@pytest.mark.parametrize("kind", NO_RECORDINGS)
def test_what_is_no_recording_is_refused(served, kind):
    assert ask(served, NO_RECORDINGS[kind]) == 422
    body, of_the_form = form((b'name="file"; filename="a.wav"', NO_RECORDINGS[kind]), (b'name="file"; filename="b.wav"', GOOD))
    assert ask(served, body, of_the_form) == 200  # the other recording is judged


NAMES = [
    *(
        "../../../../etc/passwd",
        "/etc/passwd",
        "C:\\\\a\\\\b.wav",
        "file:///etc/passwd",
        "http://127.0.0.1/a.wav",
        "| touch x",
        "$(touch x)",
    ),
    *("a" * 500, "%00.wav", "\u202egnp.wav", "..", ".", "", "/dev/zero", "-", "hf://a/b", "con.wav", "a\tb.wav"),
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_of_a_sender_is_opened(served, name):
    body, of_the_form = form((b'name="file"; filename="' + name.encode() + b'"', GOOD), (b'name="file"; filename="x"', b"no sound"))
    assert ask(served, body, of_the_form) == 200


REFUSED = {
    "2 GB announced": (413, [request(length=2 * 2**30)]),
    "2**70 bytes announced": (400, [request(length=2**70)]),
    "more than is allowed, in chunks": (
        413,
        [request(b"", "Transfer-Encoding: chunked", length=""), *[b"10000\r\n" + bytes(65_536) + b"\r\n"] * 17],
    ),
    "chunks without end": (408, [request(b"", "Transfer-Encoding: chunked", length=""), b"1\r\nx\r\n"]),
    "chunks of no size": (400, [request(b"", "Transfer-Encoding: chunked", length=""), b"zz\r\nx\r\n"]),
    "a body that does not come": (408, [request(length=1_000)]),
    "a length below 0": (400, [request(b"x", length=-1)]),
    "a length that is no number": (400, [request(b"x", length="0x10")]),
    "two lengths": (400, [request(b"x", "Content-Length: 2")]),
    "a compressed body": (415, [request(gzip.compress(GOOD), "Content-Encoding: gzip")]),
    "a brotli body": (415, [request(GOOD, "Content-Encoding: br")]),
    "a form without a boundary": (400, [request(b"x", "Content-Type: multipart/form-data")]),
    "a form with another boundary": (400, [request(*form((b'name="file"; filename="a"', GOOD), boundary="other"))]),
    "a form that ends early": (400, [request(form((b'name="file"; filename="a"', GOOD))[0][:500], form()[1])]),
    "a form without a file": (400, [request(*form((b'name="a"', b"text")))]),
    "thousands of files": (413, [request(*form(*[(b'name="file"; filename="a"', b"")] * 5_000))]),
    "thousands of fields": (413, [request(*form(*[(b'name="a"', b"x")] * 5_000))]),
    "a name of 5000 letters": (400, [request(*form((b'name="file"; filename="' + b"a" * 5_000 + b'"', GOOD)))]),
    "a part without a head": (400, [request(b"--x\r\n\r\nx\r\n--x--\r\n", form()[1])]),
    "headers of 1 MB": (400, [request(b"", *[f"A{number}: {'x' * 1_000}" for number in range(1_000)])]),
    "a line of 1 MB": (400, [request(b"", target="/predict?" + "x" * 1_000_000)]),
    "no HTTP": (400, [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n"]),
    "a line without a verb": (400, [b"/predict\r\n\r\n"]),
    "another method": (405, [request(method="DELETE")]),
    "a path upwards": (404, [request(target="/../../etc/passwd", method="GET")]),
    "an encoded path upwards": (404, [request(target="/docs/%2e%2e/%2e%2e/etc/passwd", method="GET")]),
    "a hop of infinity": (422, [request(GOOD, target="/predict?timeline=true&hop=inf")]),
    "a hop of 0": (422, [request(GOOD, target="/predict?timeline=true&hop=0")]),
    "a hop that is a text": (422, [request(GOOD, target="/predict?timeline=true&hop=%00")]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_goes_against_a_limit_or_the_protocol_has_a_status(served, kind):
    status, pieces = REFUSED[kind]
    found = served.status(*pieces)
    assert found == status or (found == GONE and sum(map(len, pieces)) > 100_000)  # it answers, and closes, before all has been sent


def test_a_slow_sender_is_told_so(served):
    assert served.status(request(length=1_000), *[b"x"] * 4, pause=0.2) == 408


def test_senders_that_go_away_or_never_go_on_keep_nobody_waiting(served):
    open_ones = []
    for number in range(100):
        connection = socket.create_connection(("127.0.0.1", served.port))
        connection.sendall([b"", b"POST /pre", request(length=1_000), request(GOOD)][number % 4])
        if number % 3:
            connection.close()
        else:
            open_ones.append(connection)
    began = time.monotonic()
    assert ask(served, GOOD) in (200, 503)
    assert time.monotonic() - began < 15
    for connection in open_ones:
        connection.close()
    until = time.monotonic() + 15
    while ask(served, GOOD) != 200 and time.monotonic() < until:  # what was asked for is judged first
        time.sleep(0.05)


def test_a_flood_of_streams_and_messages_is_closed_with_a_code(served):
    address, codes = f"ws://127.0.0.1:{served.port}/stream?hop=0.1", []
    for message in [b"x" * 2**17, "no end", *[b""] * 3]:
        with connect(address) as stream:
            try:
                stream.send(message)
                if message == b"":
                    stream.send("end")
                while True:
                    stream.recv(timeout=20)
            except ConnectionClosed as closed:
                codes.append(closed.rcvd.code)
    assert codes == [1009, 1008, 1000, 1000, 1000]
    flooded = []
    with ExitStack() as until_the_end:
        for _ in range(20):
            stream = until_the_end.enter_context(connect(address))
            try:
                for _ in range(3):
                    stream.send(bytes(2**15))  # silence; what is answered is not read
                stream.recv(timeout=5)
            except ConnectionClosed as closed:
                flooded.append(closed.rcvd.code)
    assert flooded == [1013] * (20 - LIMITS.streams)
