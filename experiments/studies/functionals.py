"""Recordings -> openSMILE's functionals, each recording's computed once and kept in a file.

F. Eyben, M. Wöllmer, B. Schuller, "openSMILE - The Munich Versatile and Fast Open-Source Audio Feature Extractor", ACM Multimedia 2010.
Its licence is for research alone.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.catalogue.baselines import FunctionalsConfig
from ser_acrnn import audio, files
from ser_acrnn.cli.progress import Progress

A_TIME = 16  # recordings that are handed to openSMILE's process at once


@dataclass(frozen=True)
class Extractor:
    """What computes functionals.

    Attributes:
        program: The program's name and version.
        functionals: Files -> an array of shape `(functionals,)` each, in their order, as soon as it is there.
    """

    program: str
    functionals: Callable[[Sequence[Path]], Iterator[NDArray[np.float32]]]


def opensmile_extractor(config: FunctionalsConfig) -> Extractor:
    """openSMILE for one of its sets.

    It computes in a process of its own: in one that has imported TensorFlow it ends with a segmentation fault.

    Raises:
        ValueError: It is not installed.
    """
    try:
        program = f"opensmile {version('opensmile')}"
    except PackageNotFoundError:
        raise ValueError("opensmile is not installed, expected the extra: pip install -e '.[baselines]'") from None

    def functionals(paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        parts = [paths[start : start + A_TIME] for start in range(0, len(paths), A_TIME)]
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            for part in pool.map(_by_opensmile, repeat(config), parts):
                yield from part

    return Extractor(program, functionals)


def _by_opensmile(config: FunctionalsConfig, paths: Sequence[Path]) -> list[NDArray[np.float32]]:
    import opensmile

    smile = opensmile.Smile(config.feature_set, opensmile.FeatureLevel.Functionals)
    if smile.num_features != config.functionals:
        raise ValueError(f"opensmile's {config.feature_set} has {smile.num_features} functionals, expected {config.functionals}")
    rate = config.sampling_rate_hertz
    return [smile(audio.load(path, rate), rate)[0, :, 0] for path in paths]


def functionals_of(
    recordings: Sequence[tuple[str, Path]], config: FunctionalsConfig, extractor: Extractor, folder: Path
) -> NDArray[np.float32]:
    """Computes what is not known yet; what was computed is kept, also when the rest fails or is interrupted.

    Args:
        recordings: The audio's sha256 and the file of each.
        config: The configuration of the functionals.
        extractor: What computes them.
        folder: Where they are kept, in a file for each configuration and version of the extractor.

    Returns:
        Shape `(recordings, functionals)`.

    Raises:
        AudioError: A recording cannot be used.
        ValueError: A functional is not finite, the set has another number of them, or the kept file cannot be read.
    """
    path = folder / f"{config.feature_set}-{config.recipe_hash}-{extractor.program.replace(' ', '-')}.npz"
    known = _load(path)
    missing = [(checksum, recording) for checksum, recording in recordings if checksum not in known]
    try:
        computed = extractor.functionals([recording for _, recording in missing])
        counted = Progress(len(missing), config.feature_set, "recordings").over(computed)
        for (checksum, recording), values in zip(missing, counted, strict=True):
            if broken := int(np.sum(~np.isfinite(values))):
                raise ValueError(f"{recording}: {broken} functionals of {config.feature_set} are not finite, expected none")
            known[checksum] = values
    finally:
        if missing and known:
            _save(path, known)
    return np.stack([known[checksum] for checksum, _ in recordings])


def _load(path: Path) -> dict[str, NDArray[np.float32]]:
    """The functionals of each sha256 that is known."""
    if not path.exists():
        return {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(zip(arrays["sha256"].tolist(), arrays["functionals"], strict=True))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: cannot be read as kept functionals ({error}), expected none or whole ones; remove it") from error


def _save(path: Path, known: dict[str, NDArray[np.float32]]) -> None:
    """Writes the file whole or not at all."""
    with files.replacing(path) as partial, partial.open("wb") as stream:
        np.savez(stream, sha256=np.array(list(known)), functionals=np.stack(list(known.values())))
