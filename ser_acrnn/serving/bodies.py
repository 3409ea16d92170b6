"""The body of a request -> recordings in memory: no file is written, and none that a sender names is opened."""

from __future__ import annotations

import asyncio
import re
import urllib.parse
from collections.abc import AsyncIterator
from io import BytesIO

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ser_acrnn.serving.limits import Limits

FORM = "multipart/form-data"
UNNAMED = "the recording"
_LONGEST_NAME = 100  # characters
_EXTENDED_NAME = re.compile(rb"""(?i);\s*filename\*\s*=\s*"?utf-8'[^';]*'([^;"]*)""")  # RFC 8187's


class Refused(Exception):
    """A request that is not looked into; the message says why.

    Args:
        status: Of the answer.
        reason: The message.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _InMemory(MultiPartParser):
    spool_max_size = 2**62  # bytes, from which on a part would become a temporary file
    has_ended = False  # whether the last boundary has come

    def on_headers_finished(self) -> None:
        """Takes a part that is a file by its `filename*` alone for one."""
        about = self._current_part.content_disposition or b""
        if (extended := _EXTENDED_NAME.search(about)) and not re.search(rb"(?i);\s*filename\s*=", about):
            name = urllib.parse.unquote_to_bytes(extended[1]).replace(b"\\", b"/").replace(b'"', b"?")
            self._current_part.content_disposition = about + b'; filename="' + name + b'"'
        super().on_headers_finished()

    def on_end(self) -> None:
        """Notes that the form is whole."""
        self.has_ended = True


async def recordings(request: Request, limits: Limits) -> tuple[list[BytesIO], bool]:
    """The recordings of a request, each with the name that its sender gave it, and whether they came as a form.

    Raises:
        Refused: There is too much of it, it comes too slowly, or it is no form, or none that is whole, though it says so.
    """
    encoding = request.headers.get("content-encoding", "")
    if encoding.strip().lower() not in ("", "identity"):
        raise Refused(415, f"the body is encoded as {_printable(encoding)}, expected it as it is")
    try:
        async with asyncio.timeout(limits.sending_seconds):
            body = await _body(request, limits)
    except TimeoutError:
        raise Refused(408, f"the body had not come after {limits.sending_seconds:g} s, expected all of it") from None
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return [_named(body, UNNAMED)], False
    return await _parts(request, body, limits), True


async def _body(request: Request, limits: Limits) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.body_bytes:
        raise Refused(413, f"the body has {int(announced)} bytes, expected at most {limits.body_bytes}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.body_bytes:
            raise Refused(413, f"the body has more than {limits.body_bytes} bytes, expected at most as many")
    return bytes(body)


async def _parts(request: Request, body: bytes, limits: Limits) -> list[BytesIO]:
    async def stream() -> AsyncIterator[bytes]:
        yield body

    try:
        parser = _InMemory(request.headers, stream(), max_files=limits.files, max_fields=limits.files)  # type: ignore[arg-type]
        form = await parser.parse()
    except MultiPartException as error:
        status = 413 if error.message.startswith("Too many") else 400
        raise Refused(status, f"the form cannot be read ({_printable(error.message)}), expected files") from error
    if not parser.has_ended:
        raise Refused(400, "the form is cut off, expected its last boundary, with two hyphens at its end")
    parts = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
    if not parts:
        raise Refused(400, f"the form holds no file, expected parts with a filename, as in {FORM}")
    return [_named(await part.read(), part.filename or UNNAMED) for part in parts]


def _named(content: bytes, name: str) -> BytesIO:
    """Bytes that errors call by a sender's name, of which the folders are left out."""
    recording = BytesIO(content)
    recording.name = _printable(re.split(r"[/\\]", name)[-1]) or UNNAMED
    return recording


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_LONGEST_NAME]
