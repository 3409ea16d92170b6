"""How the command of a published corpus ends, which fetches the corpus or compares it with the published checksums."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pooch
import typer

from data_prep.checksums import Comparison
from data_prep.download import DownloadError
from ser_acrnn.data.corpus import CorpusError


def fetch_or_verify(
    title: str,
    to: Path | None,
    at: Path | None,
    wav_folder: Callable[[Path], Path],
    download: Callable[[Path], Comparison],
    verify: Callable[[Path], Comparison],
) -> int:
    """Fetches into one folder or verifies another, prints what differs, and returns the exit code.

    Args:
        title: As tables call the corpus.
        to: Folder to fetch into; or None.
        at: Folder to verify; or None.
        wav_folder: Folder of the corpus -> that of its recordings.
        download: Fetches what a folder lacks.
        verify: Compares a folder with the published checksums.

    Raises:
        BadParameter: Neither or both folders.
    """
    if bool(to) is bool(at):
        raise typer.BadParameter("expected either --download DIR or --verify DIR")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # Pooch recommends, at length, to note a checksum of an archive; here every file in it has one.
    pooch.get_logger().setLevel(logging.WARNING)
    [directory] = filter(None, (to, at))
    try:
        result = download(directory) if to else verify(directory)
    except (CorpusError, DownloadError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command continues from here", file=sys.stderr)
        return 130
    for kind in ("missing", "differing", "unexpected"):
        for name in getattr(result, kind):
            print(f"{kind} {name}")
    folder = wav_folder(directory)
    if not result.clean:
        print(f"error: {folder} is not the published {title}: {result.summary()}", file=sys.stderr)
        return 1
    print(f"{folder} is the published {title}: {result.summary()}")
    return 0
