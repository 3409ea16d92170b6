"""What all tests share: corpora, which are copied before they are changed, the seed of every draw, and the order of the tests."""

from __future__ import annotations

import gc
import logging
import os
import random
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).parents[1]
# conftest.py: hold no doctests, and share their name. children: what is imported for other processes.
collect_ignore_glob = ["*conftest.py", "children/*"]
# As the experiments do, before TensorFlow starts: whichever tests run, this process and its children compute alike.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
RATE_HERTZ = 16_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=0, help="of every network and draw that names no seed of its own")
    parser.addoption("--own-graphs", action="store_true", help="no two networks share the graphs of their steps, see shared_graphs.py")
    parser.addoption("--shuffle", type=int, metavar="SEED", help="a random order of the files, and of the tests of each")


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed of networks and draws: {config.option.seed}; seed of the order: {config.option.shuffle}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, a file's stay together, and so do all that share the host's one SLURM or kept runs."""
    if config.option.shuffle is not None:
        rng = random.Random(config.option.shuffle)
        place = {path: rng.random() for path in dict.fromkeys(item.path for item in items)}
        items.sort(key=lambda item: (place[item.path], rng.random()))
    else:  # SLURM waits for its nodes most of the time: what runs beside it has the processors. Short files are left for the end.
        long = {item.path for item in items if item.get_closest_marker("stochastic") or item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.path.parent.name != "slurm", item.path not in long))
    groups = {item.path: "kept" for item in items if "kept_once" in getattr(item, "fixturenames", ())}
    for item in items:
        file = str(item.path.relative_to(ROOT))
        item.add_marker(pytest.mark.xdist_group("slurm" if item.path.parent.name == "slurm" else groups.get(item.path, file)))


def pytest_collection_finish() -> None:
    """What is imported by now stays: Python no longer looks through half a million objects, again and again, for what is not used."""
    import scipy.fftpack  # noqa: F401 - whichever tests run, it is SciPy that transforms, see ser_acrnn.features.spectrum

    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    # What tests start from here on begins sooner, see children/sitecustomize.py.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests" / "children"), *filter(None, [os.environ.get("PYTHONPATH")])])


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and, where it is loaded, Keras, which takes seconds to import and which most tests do without.

    Keras draws the seeds of its layers and initialisers from Python's generator, so that a network is the same if Keras is loaded later.
    """
    random.seed(seed)
    np.random.seed(seed)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(seed)


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> None:
    """A fixture draws the same whichever test asks for it first: the shared ones are made once, and a fixture for each test is too late."""
    seed_everything(request.config.option.seed)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Notes are logged, whatever a command that ran in this process before asked for."""
    logging.getLogger("ser_acrnn").setLevel(logging.NOTSET)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """A test draws the same whatever ran before it."""
    seed_everything(item.config.option.seed)


# Emotion letter -> samples. 0.8 s; 1.7 s; exactly 300 frames; 301 frames; 4.5 s; 7 s.
SAMPLES_OF_LETTER = {"W": 12_800, "T": 27_200, "F": 48_240, "N": 48_241, "A": 72_000, "L": 112_000}
SPEAKERS = ("03", "08", "09", "10")


def recording(name: str, samples: int, seed: int = 0) -> np.ndarray:
    """Returns PCM16 samples: gliding harmonics and noise that differ from name to name and from speaker to speaker."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    time = np.arange(samples) / RATE_HERTZ
    pitch_hertz = 90 + 2 * int(name[:2]) ** 1.5
    phase = 2 * np.pi * pitch_hertz * (time + 0.05 * np.sin(2 * np.pi * rng.uniform(1, 3) * time))
    harmonics = np.sum([np.sin(k * phase) / k ** rng.uniform(0.5, 2) for k in range(1, 12)], axis=0)
    wave = harmonics * (0.2 + np.sin(2 * np.pi * rng.uniform(0.5, 2) * time) ** 2) + 0.05 * rng.standard_normal(samples)
    return np.round(16_000 * wave / np.abs(wave).max()).astype(np.int16)


@pytest.fixture(scope="session")
def write_corpus() -> Callable[..., list[Path]]:
    """A function `(directory, letters="WTFNAL", speakers=SPEAKERS, seed=0)` that writes recordings named as Emo-DB's, and lists them."""

    def write(directory: Path, letters: str = "WTFNAL", speakers: tuple[str, ...] = SPEAKERS, seed: int = 0) -> list[Path]:
        (directory / "wav").mkdir(parents=True, exist_ok=True)
        paths = [directory / "wav" / f"{speaker}a01{letter}a.wav" for speaker in speakers for letter in letters]
        for path in paths:
            soundfile.write(path, recording(path.stem, SAMPLES_OF_LETTER[path.stem[5]], seed), RATE_HERTZ, subtype="PCM_16")
        return paths

    return write


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory, write_corpus: Callable[..., list[Path]]) -> Path:
    """Four speakers of six utterances, 0.8 s to 7 s, laid out as Emo-DB; 08 lacks the longest, so that speakers weigh differently."""
    directory = tmp_path_factory.mktemp("small")
    for path in write_corpus(directory):
        if path.stem == "08a01La":
            path.unlink()
    return directory


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> Path:
    """`small_corpus`, prepared by the recipe "paper"."""
    from data_prep.corpora import emodb
    from data_prep.prepare import prepare

    return prepare("small", emodb.utterances(small_corpus), tmp_path_factory.mktemp("data"), source=small_corpus, jobs=1)


@pytest.fixture(scope="session")
def sharing(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """Within what it returns, networks that are alike share their graphs, see shared_graphs.py; not with `--own-graphs`."""

    def within() -> AbstractContextManager[None]:
        import shared_graphs

        return nullcontext() if pytestconfig.option.own_graphs else shared_graphs.shared()

    return within


@pytest.fixture(scope="module")
def shared_graphs(sharing: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """For all tests of a module that trains much."""
    with sharing():
        yield


@pytest.fixture
def unsaved_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without their figures' files, which take most of a report's time, for tests that read the text."""
    monkeypatch.setattr("ser_acrnn.evaluation.drawing.save", lambda figure, path: None)


@pytest.fixture(scope="session")
def emodb_directory() -> Path:
    """The published Emo-DB, where it is at hand."""
    directory = Path(os.environ.get("EMODB") or ROOT.parent / "shared" / "emodb")
    if not (directory / "wav" / "03a01Fa.wav").is_file():
        pytest.skip(f"Emo-DB is not in {directory}; EMODB names the folder that holds wav/")
    return directory
