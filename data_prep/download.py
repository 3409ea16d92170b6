"""How a published corpus gets onto the disk: a transfer that resumes, an unpacking that trusts no name, checksums for all of it."""

from __future__ import annotations

import errno
import logging
import lzma
import os
import re
import stat
import struct
import tempfile
import time
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

import pooch
import requests

from data_prep.checksums import Comparison, compare
from ser_acrnn import files
from ser_acrnn.cli.progress import Progress

LOG = logging.getLogger(__name__)


class DownloadError(Exception):
    """A file that could not be fetched; the message says the address and the reason."""


class ArchiveError(DownloadError):
    """An archive that was fetched but is damaged, unsafe to unpack, or not the published one."""


@dataclass(frozen=True)
class TransferConfig:
    """What a transfer may cost.

    Attributes:
        waits_seconds: Pauses before the second, third, ... attempt; one attempt more than there are pauses.
        timeout_seconds: Silence of the server that counts as a lost connection.
        chunk_bytes: Size of a read; a lost connection costs at most one of these.
        max_unpacked_bytes: What an archive may unpack to; a corpus of speech for one machine is far below.
        progress: Whether it is told on stderr how far it is.
    """

    waits_seconds: tuple[float, ...] = (1.0, 3.0, 10.0)
    timeout_seconds: float = 30.0
    chunk_bytes: int = 2**16
    max_unpacked_bytes: int = 10**9
    progress: bool = True


@dataclass(frozen=True)
class ResumingDownloader:
    """A downloader for `pooch.retrieve` that keeps what it has when the connection is lost, and goes on from there.

    Pooch hands over a temporary file which it deletes after a failure. So the bytes are collected in a file of our own, which the next
    attempt, or the next run, continues with an HTTP range request; complete, it takes the temporary file's place.

    Attributes:
        part: Where an incomplete transfer is kept.
        config: Number of attempts and their limits.
    """

    part: Path
    config: TransferConfig = field(default_factory=TransferConfig)

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        """Fetches the address into the output file.

        Raises:
            DownloadError: The server refuses, or the connection is lost more often than the configuration allows.
        """
        for wait in (*self.config.waits_seconds, None):
            try:
                self._attempt(url)
                break
            except requests.RequestException as error:
                passing = isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)
                if isinstance(error, requests.HTTPError) and error.response is not None:
                    passing = error.response.status_code >= 500
                if wait is None or not passing:
                    kept = f" ({self._size()} bytes are kept, the same command continues there)" if self._size() else ""
                    raise DownloadError(f"cannot fetch {url}: {_reason(error)}{kept}") from error
                LOG.warning("%s; trying again in %g s, %d bytes are kept", _reason(error), wait, self._size())
                time.sleep(wait)
        os.replace(self.part, output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _attempt(self, url: str) -> None:
        kept = self._size()
        # A compressed transfer would count other bytes than those of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={kept}-"} if kept else {})
        with requests.get(url, headers=headers, stream=True, timeout=self.config.timeout_seconds) as response:
            content_range = response.headers.get("Content-Range", "")
            if kept and response.status_code == 416 and content_range == f"bytes */{kept}":
                return  # all of it had come before
            length = response.headers.get("Content-Length", "")
            start, total = 0, int(length) if length.isdecimal() else None
            if response.status_code == 206:
                match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", content_range)
                start, total = (int(match[1]), int(match[2])) if match else (-1, None)
            if kept and (response.status_code == 416 or start not in (0, kept)):
                LOG.warning("%s does not continue at byte %d (%r); starting over", url, kept, content_range)
                self.part.unlink()
                return self._attempt(url)
            response.raise_for_status()
            if start not in (0, kept):
                raise DownloadError(f"cannot fetch {url}: the server answered with the range {content_range!r}, expected the whole file")
            self._receive(response, start, total)
        if total is not None and self._size() != total:
            raise requests.ConnectionError(f"the connection was lost after {self._size()} of {total} bytes")

    def _receive(self, response: requests.Response, start: int, total: int | None) -> None:
        progress = Progress(total and total / 1e6, unit="MB", done=start / 1e6, shown=self.config.progress)
        with self.part.open("ab" if start else "wb") as stream, progress:
            for chunk in response.iter_content(self.config.chunk_bytes):
                stream.write(chunk)
                progress.update(len(chunk) / 1e6)


def _reason(error: requests.RequestException) -> str:
    """Returns what went wrong without the names of the objects that noticed it, such as `HTTPConnection(host=..., port=80): `."""
    cause = error.args[0] if error.args else error
    text = " ".join(str(getattr(cause, "reason", cause)).split())
    return re.sub(r"^<?\w+\(.*?\)>?: ", "", text)


def unpack(archive: str | Path, target: str | Path, folder: str, names: Collection[str], max_bytes: int) -> None:
    """Unpacks the wanted files of one folder of a zip archive, after looking at the name of every member.

    Args:
        archive: The zip archive.
        target: An existing folder that receives the files.
        folder: Folder inside the archive that holds them.
        names: The wanted file names; other members stay in the archive.
        max_bytes: What all members together may unpack to.

    Raises:
        ArchiveError: The archive cannot be read; a member is a link or leads out of the target folder; or there is too much of it.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            members = source.infolist()
            for member in members:
                _check_member(member)
            total = sum(member.file_size for member in members)
            if total > max_bytes:
                raise ArchiveError(f"it would unpack to {total} bytes, expected at most {max_bytes}")
            for member in members:
                path = _path(member)
                if str(path.parent) == folder and path.name in names:
                    # zipfile reads no more than the size that the member declares, so that the sum above holds.
                    (Path(target) / path.name).write_bytes(source.read(member))
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError, RuntimeError) as error:
        # RuntimeError: a password or a compression that zipfile does not know.
        raise ArchiveError(f"it cannot be unpacked: {error}") from error
    except OSError as error:
        # A damaged directory of the archive points before its beginning; a damaged stream has no number. The others are the disk's.
        if error.errno not in (errno.EINVAL, None):
            raise
        raise ArchiveError(f"it cannot be unpacked: {error}") from error


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


def _check_member(member: zipfile.ZipInfo) -> None:
    path = _path(member)
    if path.is_absolute() or ".." in path.parts or PureWindowsPath(member.filename).drive:
        raise ArchiveError(f"its member {member.filename!r} leads out of the folder, expected a relative path without '..'")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ArchiveError(f"its member {member.filename!r} is a symbolic link, expected files and folders")


def install(
    url: str, directory: str | Path, checksums: Mapping[str, str], *, folder: str, target: str | Path, config: TransferConfig | None = None
) -> Comparison:
    """Makes sure that the target folder holds every listed file; asks the network for nothing when it does already.

    Files are moved into place only after all of the archive has been verified. A file that matches stays as it is, one that differs is
    replaced. The archive is deleted when its files are in place, and also when it is bad, so that the next run fetches it anew.

    Args:
        url: Address of the zip archive.
        directory: Working folder, made when needed; holds the archive and what is being unpacked, on the same disk as the target.
        checksums: File name -> sha256.
        folder: Folder inside the archive that holds the files.
        target: Folder that receives them, made when needed.
        config: Limits of the transfer.

    Returns:
        The target folder against the list, afterwards.

    Raises:
        DownloadError: The archive could not be fetched.
        ArchiveError: It is damaged, unsafe or another one; it was deleted.
    """
    directory, target, config = Path(directory), Path(target), config or TransferConfig()
    before = compare(target, checksums)
    if before.complete:
        LOG.info("%s is complete: %d files verified, nothing to fetch", target, len(before.matching))
        return before
    directory.mkdir(parents=True, exist_ok=True)
    # The address is in the name: what came from one must not be continued from another.
    archive = directory / f"archive-{files.sha256_of(url)[:8]}.zip"
    LOG.info("fetching %s", url)
    downloader = ResumingDownloader(archive.with_name(archive.name + ".part"), config)
    pooch.retrieve(url, known_hash=None, fname=archive.name, path=archive.parent, downloader=downloader)
    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".unpacking-") as staging:
            unpack(archive, staging, folder, checksums, config.max_unpacked_bytes)
            unpacked = compare(staging, checksums)
            if not unpacked.complete:
                raise ArchiveError(f"its files are not the published ones: {unpacked.summary()}")
            target.mkdir(parents=True, exist_ok=True)
            if before.differing:
                LOG.warning("replacing %d file(s) in %s that differ from the published ones", len(before.differing), target)
            for name in (*before.missing, *before.differing):
                os.replace(Path(staging) / name, target / name)
    except ArchiveError as error:
        archive.unlink()
        raise ArchiveError(f"the archive from {url} is refused: {error}; it was deleted, the same command fetches it anew") from error
    archive.unlink()
    return compare(target, checksums)


def fetch_each(url: str, target: str | Path, checksums: Mapping[str, str], config: TransferConfig | None = None) -> Comparison:
    """Makes sure that a folder holds every listed file, each fetched from an address of its own; asks for none that matches.

    Args:
        url: What the files' addresses begin with.
        target: The folder, made when needed.
        checksums: File name -> sha256.
        config: Limits of each transfer; its bar is one of files.

    Returns:
        The folder against the list, afterwards.

    Raises:
        DownloadError: A file could not be fetched, or is another one; those before it are kept.
    """
    target, config = Path(target), config or TransferConfig()
    before = compare(target, checksums)
    wanted = (*before.missing, *before.differing)
    for name in Progress(len(wanted), str(target), shown=config.progress).over(wanted):
        target.mkdir(parents=True, exist_ok=True)
        downloader = ResumingDownloader(target / f".{name}.part", replace(config, progress=False))
        try:
            pooch.retrieve(url + name, f"sha256:{checksums[name]}", fname=name, path=target, downloader=downloader)
        except ValueError as error:  # what pooch raises of another checksum
            raise DownloadError(f"cannot fetch {url + name}: it is another file, expected the sha256 {checksums[name]}") from error
    return compare(target, checksums) if wanted else before
