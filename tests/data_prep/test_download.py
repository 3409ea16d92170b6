"""Tests of data_prep.download against a server on this host."""

from __future__ import annotations

import hashlib
import io
import logging
import random
import socket
import stat
import struct
import threading
import wave
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_prep.checksums import compare
from data_prep.download import ArchiveError, DownloadError, TransferConfig, fetch_each, install, unpack
from ser_acrnn.cli import progress

# Small reads, so that a small archive is cut between two of them; two more attempts, without a pause.
QUICK = TransferConfig(waits_seconds=(0.0, 0.0), timeout_seconds=5.0, chunk_bytes=512, progress=False)
NAMES = ("03a01Fa.wav", "08a01Wa.wav", "16b10Lb.wav")


def tiny_wav(seed: int, samples: int = 2000) -> bytes:
    """Returns a mono 16 kHz PCM16 recording of noise, which no compression shortens by much."""
    stream = io.BytesIO()
    generator = random.Random(seed)
    with wave.open(stream, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(struct.pack(f"<{samples}h", *(generator.randint(-32768, 32767) for _ in range(samples))))
    return stream.getvalue()


WAVS = {name: tiny_wav(seed) for seed, name in enumerate(NAMES)}
CHECKSUMS = {name: hashlib.sha256(data).hexdigest() for name, data in WAVS.items()}


def zip_of(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


GOOD = zip_of({"erkennung.txt": b"Nr.", "wav/": b""} | {f"wav/{name}": data for name, data in WAVS.items()} | {"lablaut/03a01Fa.lab": b"x"})


@dataclass
class Site:
    """What the server does: its file, whether it knows ranges, after how many bytes of an answer it hangs up (one entry a request)."""

    body: bytes = GOOD
    ranges: bool = True
    wrong_range: bool = False
    longest_range: int | None = None
    status: int | None = None
    cuts: list[int] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    sent: int = 0
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers["Range"]
        self.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        total = len(self.body)
        if self.status:
            handler.send_error(self.status)
            return
        if asked and start >= total:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{total}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        first = start + 1 if start and self.wrong_range else start
        data = self.body[first:][: self.longest_range if start else None]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {first}-{first + len(data) - 1}/{total}")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if self.cuts:
            data = data[: self.cuts.pop(0)]
        self.sent += len(data)
        handler.wfile.write(data)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    behaviour = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            behaviour.answer(self)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        behaviour.url = f"http://127.0.0.1:{server.server_address[1]}/download.zip"
        yield behaviour
        server.shutdown()
        thread.join()


def fetch(site: Site, directory: Path, config: TransferConfig = QUICK) -> None:
    result = install(site.url, directory, CHECKSUMS, folder="wav", target=directory / "wav", config=config)
    assert result.clean


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()}


INSTALLED = {f"wav/{name}": data for name, data in WAVS.items()}


def test_leaves_the_listed_files_and_nothing_else(site: Site, tmp_path: Path) -> None:
    fetch(site, tmp_path / "new" / "corpus")
    assert contents(tmp_path / "new" / "corpus") == INSTALLED
    assert site.asked == [None]


def test_a_complete_folder_asks_for_nothing(site: Site, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    site.asked.clear()
    fetch(site, tmp_path)
    assert site.asked == []


def test_only_what_is_missing_or_wrong_is_replaced(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fetch(site, tmp_path)
    kept, wrong, gone = (tmp_path / "wav" / name for name in NAMES)
    before = kept.stat().st_ino
    wrong.write_bytes(b"RIFF")
    gone.unlink()
    fetch(site, tmp_path)
    assert contents(tmp_path) == INSTALLED
    assert kept.stat().st_ino == before
    assert "replacing 1 file(s)" in caplog.text


def test_files_with_addresses_of_their_own_are_fetched_one_by_one(site: Site, tmp_path: Path) -> None:
    site.body, folder = WAVS[NAMES[0]], site.url.removesuffix("download.zip")
    sums = {name: CHECKSUMS[NAMES[0]] for name in ("a.wav", "b.wav", "c.wav")}
    (tmp_path / "a.wav").write_bytes(site.body)
    (tmp_path / "b.wav").write_bytes(b"another one")
    assert fetch_each(folder, tmp_path, sums, QUICK).clean and len(site.asked) == 2
    assert contents(tmp_path) == dict.fromkeys(sums, site.body)
    assert fetch_each(folder, tmp_path, sums, QUICK).clean and len(site.asked) == 2
    site.body = b"no such recording"
    with pytest.raises(DownloadError, match=r"d\.wav: it is another file, expected the sha256 [0-9a-f]{64}"):
        fetch_each(folder, tmp_path, sums | {"d.wav": CHECKSUMS[NAMES[1]]}, QUICK)
    assert contents(tmp_path) == dict.fromkeys(sums, WAVS[NAMES[0]])


def test_a_lost_connection_continues_where_it_stopped(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site.cuts = [len(GOOD) // 2]
    fetch(site, tmp_path)
    assert contents(tmp_path) == INSTALLED
    first, second = site.asked
    assert first is None and second is not None
    kept = int(second.removeprefix("bytes=").removesuffix("-"))
    assert len(GOOD) // 2 - QUICK.chunk_bytes <= kept <= len(GOOD) // 2
    assert site.sent <= len(GOOD) + QUICK.chunk_bytes
    assert f"{kept} bytes are kept" in caplog.text


def test_the_next_run_continues_what_the_last_one_gave_up(site: Site, tmp_path: Path) -> None:
    once = TransferConfig(waits_seconds=(), chunk_bytes=512, progress=False)
    site.cuts = [4096]
    with pytest.raises(DownloadError, match=r"cannot fetch http://127\S+: .*\(4096 bytes are kept, the same command continues there\)"):
        fetch(site, tmp_path, once)
    assert not (tmp_path / "wav").exists()
    fetch(site, tmp_path, once)
    assert site.asked == [None, "bytes=4096-"]
    assert contents(tmp_path) == INSTALLED


def test_gives_up_after_the_configured_attempts(site: Site, tmp_path: Path) -> None:
    site.cuts = [1024] * 9
    with pytest.raises(DownloadError, match="3072 bytes are kept"):
        fetch(site, tmp_path)
    assert site.asked == [None, "bytes=1024-", "bytes=2048-"]


@pytest.mark.parametrize(("ranges", "wrong_range"), [(False, False), (True, True)])
def test_a_server_that_does_not_continue_is_asked_for_the_whole(site: Site, tmp_path: Path, ranges: bool, wrong_range: bool) -> None:
    site.ranges, site.wrong_range, site.cuts = ranges, wrong_range, [4096]
    fetch(site, tmp_path)
    assert contents(tmp_path) == INSTALLED
    assert site.asked == [None, "bytes=4096-"] + [None] * wrong_range


def test_a_server_that_sends_shorter_ranges_is_asked_for_the_rest(site: Site, tmp_path: Path) -> None:
    site.cuts = [4096]
    site.longest_range = len(GOOD) - 5000
    fetch(site, tmp_path)
    assert site.asked == [None, "bytes=4096-", f"bytes={len(GOOD) - 904}-"]
    assert contents(tmp_path) == INSTALLED


@pytest.mark.parametrize(("kept", "asked"), [(GOOD, 1), (GOOD + b"more", 2)], ids=["complete", "too long"])
def test_a_transfer_that_was_complete_is_taken_and_one_too_long_is_not(site: Site, tmp_path: Path, kept: bytes, asked: int) -> None:
    site.status = 404
    with pytest.raises(DownloadError):
        fetch(site, tmp_path)
    site.status = None
    site.asked.clear()
    (tmp_path / f"archive-{hashlib.sha256(site.url.encode()).hexdigest()[:8]}.zip.part").write_bytes(kept)
    fetch(site, tmp_path)
    assert contents(tmp_path) == INSTALLED
    assert len(site.asked) == asked


def test_another_address_does_not_continue_the_transfer_of_the_first(site: Site, tmp_path: Path) -> None:
    site.cuts = [4096] * 3
    site.ranges = False
    with pytest.raises(DownloadError):
        fetch(site, tmp_path)
    site.asked.clear()
    site.url += "?mirror"
    fetch(site, tmp_path)
    assert site.asked == [None]


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (503, 3)])
def test_a_refusal_is_final_and_a_busy_server_is_asked_again(site: Site, tmp_path: Path, status: int, requests: int) -> None:
    site.status = status
    with pytest.raises(DownloadError, match=f"cannot fetch http://127.*{status}"):
        fetch(site, tmp_path)
    assert len(site.asked) == requests


def test_a_port_without_a_server_says_address_and_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/download.zip"
        with pytest.raises(DownloadError, match=rf"^cannot fetch {url}: Failed to establish a new connection: .*refused"):
            install(url, tmp_path, CHECKSUMS, folder="wav", target=tmp_path / "wav", config=QUICK)


@pytest.mark.parametrize("url", ["download.zip", "ftp://127.0.0.1/download.zip", "http://"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadError, match=f"cannot fetch {url}: "):
        install(url, tmp_path, CHECKSUMS, folder="wav", target=tmp_path / "wav", config=QUICK)


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


OTHER = zip_of({f"wav/{name}": data for name, data in WAVS.items()} | {f"wav/{NAMES[1]}": tiny_wav(99)})
BAD_ARCHIVES = {
    "not a zip": (b"<!DOCTYPE html><title>Moved</title>", "it cannot be unpacked"),
    "empty": (b"", "it cannot be unpacked"),
    "cut off": (GOOD[:-100], "it cannot be unpacked"),
    "a byte flipped": (flipped(GOOD, len(GOOD) // 2), "it cannot be unpacked: Bad CRC-32 for file 'wav/08a01Wa.wav'"),
    "another recording": (OTHER, r"its files are not the published ones: 2 match, 1 differing \(08a01Wa.wav\)"),
    "a recording less": (zip_of({f"wav/{name}": WAVS[name] for name in NAMES[:2]}), r"2 match, 1 missing \(16b10Lb.wav\)"),
    "another folder": (zip_of({f"audio/{name}": data for name, data in WAVS.items()}), "0 match, 3 missing"),
    "a member that leads out": (zip_of({f"wav/{name}": data for name, data in WAVS.items()} | {"../evil.wav": b"x"}), "'../evil.wav'"),
}


@pytest.mark.parametrize(("body", "message"), BAD_ARCHIVES.values(), ids=BAD_ARCHIVES)
def test_a_bad_archive_is_deleted_and_changes_nothing(site: Site, tmp_path: Path, body: bytes, message: str) -> None:
    (tmp_path / "corpus" / "wav").mkdir(parents=True)
    (tmp_path / "corpus" / "wav" / NAMES[0]).write_bytes(b"mine")
    site.body = body
    with pytest.raises(ArchiveError, match=f"the archive from {site.url} is refused: .*{message}.*it was deleted"):
        fetch(site, tmp_path / "corpus")
    assert contents(tmp_path) == {f"corpus/wav/{NAMES[0]}": b"mine"}
    site.body = GOOD
    fetch(site, tmp_path / "corpus")
    assert contents(tmp_path / "corpus") == INSTALLED


def unpack_members(tmp_path: Path, archive: bytes, max_bytes: int = 10**6) -> dict[str, bytes]:
    (tmp_path / "a.zip").write_bytes(archive)
    (tmp_path / "target").mkdir()
    unpack(tmp_path / "a.zip", tmp_path / "target", "wav", NAMES, max_bytes)
    return contents(tmp_path / "target")


def test_unpacks_listed_files_of_the_folder_only(tmp_path: Path) -> None:
    members = {
        f"wav/{NAMES[0]}": b"1",
        f"./wav\\{NAMES[1]}": b"2",
        "wav/other.wav": b"3",
        f"lab/{NAMES[2]}": b"4",
        f"wav/wav/{NAMES[2]}": b"5",
    }
    assert unpack_members(tmp_path, zip_of(members)) == {NAMES[0]: b"1", NAMES[1]: b"2"}


@pytest.mark.parametrize(
    "name", ["../evil.wav", "wav/../../evil.wav", "/evil.wav", "..\\evil.wav", "C:\\evil.wav", "C:evil.wav", "\\\\host\\share\\a"]
)
def test_refuses_a_member_that_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="leads out of the folder") as caught:
        unpack_members(tmp_path, zip_of({f"wav/{NAMES[0]}": b"1", name: b"evil"}))
    assert repr(name) in str(caught.value)
    assert contents(tmp_path / "target") == {}


def test_refuses_a_symbolic_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo(f"wav/{NAMES[0]}")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, "../../evil.wav")
    with pytest.raises(ArchiveError, match=rf"'wav/{NAMES[0]}' is a symbolic link"):
        unpack_members(tmp_path, stream.getvalue())


def test_refuses_what_unpacks_to_too_much(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"wav/{NAMES[0]}", bytes(600))
        archive.writestr("elsewhere.txt", bytes(401))
    with pytest.raises(ArchiveError, match="it would unpack to 1001 bytes, expected at most 1000"):
        unpack_members(tmp_path, stream.getvalue(), max_bytes=1000)
    (tmp_path / "target").rmdir()
    assert unpack_members(tmp_path, stream.getvalue(), max_bytes=1001) == {NAMES[0]: bytes(600)}


def test_random_damage_is_an_archive_error_or_harmless(tmp_path: Path) -> None:
    generator = random.Random(0)
    small = zip_of({f"wav/{name}": b"RIFF" for name in NAMES})
    (tmp_path / "target").mkdir()
    for _ in range(300):
        (tmp_path / "a.zip").write_bytes(flipped(small, generator.randrange(len(small))))
        try:
            unpack(tmp_path / "a.zip", tmp_path / "target", "wav", NAMES, 10**6)
        except ArchiveError:
            continue
        assert all(data == b"RIFF" for data in contents(tmp_path / "target").values())


@pytest.mark.parametrize("shown", [True, False])
def test_tells_its_progress_on_stderr(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, shown: bool
) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_SECONDS", 0.0)
    fetch(site, tmp_path, TransferConfig(progress=shown, chunk_bytes=16))
    captured = capsys.readouterr()
    assert (" MB, 00:00 gone" in captured.err) == shown and captured.out == ""


def test_says_what_it_fetches(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="data_prep.download"):
        fetch(site, tmp_path)
    assert f"fetching {site.url}" in caplog.text
    assert compare(tmp_path / "wav", CHECKSUMS).clean
