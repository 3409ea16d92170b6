"""`predict` where nothing is allowed: a package that cannot be written to, nobody as the user, no home, LANG=C, one core, no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import soxr

import ser_acrnn
from ser_acrnn.export.checks import synthetic_waveforms

PACKAGE = Path(ser_acrnn.__file__).parent
RATE_HERTZ = 48_000
# The package is mounted read-only, without a network; then the user is nobody, who may not mount it otherwise.
LOCKED = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec unshare --user --map-user=65534 --map-group=65534 "$@"'
FORMATS = {
    ".wav": {},
    ".flac": {},
    ".ogg": {},
    ".mp3": {},
    ".aiff": {},
    ".opus": {"format": "OGG", "subtype": "OPUS"},
    ".m4a": "aac",
    ".webm": "libopus",
}


def jailed(*words, **more):
    """What a command does there."""
    environment = {"PATH": os.environ["PATH"], "LANG": "C", "PYTHONPATH": str(PACKAGE.parent)}
    words = ["unshare", "--map-root-user", "--mount", "--net", "sh", "-c", LOCKED, str(PACKAGE), *map(str, words)]
    one = {min(os.sched_getaffinity(0))}
    return subprocess.run(
        words, env=environment, capture_output=True, text=True, check=False, preexec_fn=lambda: os.sched_setaffinity(0, one), **more
    )


@pytest.fixture(scope="module", autouse=True)
def jail():
    if not shutil.which("unshare") or not hasattr(os, "sched_setaffinity"):
        pytest.skip("needs Linux with unshare")
    tried = jailed("true")
    if tried.returncode:
        pytest.skip(f"namespaces are not allowed here: {tried.stderr.strip()}")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jail")
    sound = soxr.resample(np.tile(synthetic_waveforms(1, seed=1)[0], 5)[: 2 * 16_000], 16_000, RATE_HERTZ)
    samples = np.round(2**14 * np.stack([sound, sound], axis=1)) / 2**15  # as WAV, FLAC and AIFF keep them
    for suffix, kind in FORMATS.items():
        if isinstance(kind, dict):
            soundfile.write(folder / f"voice{suffix}", samples, RATE_HERTZ, **kind)
        else:
            write_by_ffmpeg(folder / f"voice{suffix}", samples, kind)
    return folder


def write_by_ffmpeg(path, samples, codec):
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=RATE_HERTZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HERTZ
        resampler = av.AudioResampler(stream.format.name, "stereo", RATE_HERTZ, stream.codec_context.frame_size or 960)
        for piece in (*resampler.resample(frame), None):
            container.mux(stream.encode(piece))


def test_the_jail_is_one(tmp_path):
    code = """
import os, pathlib, socket, ser_acrnn
assert os.getuid() == 65534 and len(os.sched_getaffinity(0)) == 1 and "HOME" not in os.environ
for attempt in (pathlib.Path(ser_acrnn.__file__).with_name("new").touch, lambda: socket.create_connection(("127.0.0.1", 9), 1)):
    try:
        attempt()
    except OSError as error:
        print(error.strerror)
"""
    done = jailed(sys.executable, "-c", code)
    assert (done.stdout.split("\n")[:2], done.stderr) == (["Read-only file system", "Network is unreachable"], "")


def test_every_format_is_judged(recordings):
    paths = [recordings / f"voice{suffix}" for suffix in FORMATS]
    done = jailed(sys.executable, "-m", "ser_acrnn", "predict", "--json", *paths)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == [str(path) for path in paths]
    assert all(row["seconds"] == pytest.approx(2.0, abs=0.1) for row in rows)
    assert rows[0]["posteriors"] == rows[1]["posteriors"] == rows[4]["posteriors"]  # of WAV, FLAC and AIFF, which lose nothing


def test_a_speaker_is_adapted_to_and_a_picture_drawn(recordings, tmp_path):
    words = ["predict", "--same-speaker", "--plot", tmp_path / "attention.png", recordings / "voice.flac"]
    done = jailed(sys.executable, "-m", "ser_acrnn", *words)
    assert (done.returncode, done.stderr) == (0, f"figure: {tmp_path / 'attention.png'}\n")
    assert (tmp_path / "attention.png").stat().st_size > 10_000
    done = jailed(
        sys.executable, "-m", "ser_acrnn", "predict", "--model", "acrnn3d-emodb-adapted", "--same-speaker", recordings / "voice.wav"
    )
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"{recordings / 'voice.wav'}: ")
