"""What the small environment of requirements-predict.txt has to do, where the package is installed and the clone is elsewhere.

cp tests/predict_alone.py /tmp && cd /tmp && path/to/environment/bin/python predict_alone.py
"""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

import ser_acrnn

ABSENT = ("keras", "matplotlib", "pandas", "pydantic", "sklearn", "tensorflow")
RATE_HERTZ = 48_000


def voice() -> np.ndarray:
    """Two seconds of syllables, `(samples, 2)` at 48 kHz."""
    time = np.arange(2 * RATE_HERTZ) / RATE_HERTZ
    harmonics = np.sum([np.sin(2 * np.pi * 140 * order * time) / order for order in range(1, 20)], axis=0)
    mono = 0.2 * harmonics * np.maximum(np.sin(2 * np.pi * 3 * time), 0) + 1e-3 * np.random.default_rng(0).normal(size=len(time))
    return np.stack([mono, mono], axis=1).astype(np.float32)


def as_m4a(samples: np.ndarray) -> bytes:
    """The samples in AAC, which FFmpeg alone reads."""
    held = io.BytesIO()
    with av.open(held, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE_HERTZ, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HERTZ
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return held.getvalue()


def command(*words: Any) -> Any:
    """What `ser-acrnn` prints as JSON."""
    done = subprocess.run([sys.executable, "-m", "ser_acrnn.cli", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return json.loads(done.stdout)


def main() -> None:
    """Raises an AssertionError where something is not as it should be."""
    assert not [name for name in ABSENT if importlib.util.find_spec(name)], "this is not the small environment"
    samples = voice()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"voice{suffix}") for suffix in (".wav", ".flac", ".mp3", ".ogg", ".m4a")]
        for path in paths[:-1]:
            soundfile.write(path, samples, RATE_HERTZ)
        paths[-1].write_bytes(as_m4a(samples))
        rows = command("predict", "--json", *paths)
        assert [Path(row["path"]).name for row in rows] == [path.name for path in paths]
        assert rows[0]["emotion"] == rows[1]["emotion"]  # the others lose some of it
        assert len(command("predict", "--json", "--timeline", "--tempos", paths[0])) == 1
        assert len(command("predict", "--json", "--same-speaker", "--model", "acrnn3d-emodb-adapted", *paths)) == len(paths)
        predictor = ser_acrnn.Predictor()
        found = predictor.predict(samples, RATE_HERTZ)
        assert found.emotion == rows[0]["emotion"]
        predictor.enrol(paths)
        assert predictor.predict(paths[0]).posteriors != found.posteriors
    assert not {name.split(".")[0] for name in sys.modules} & set(ABSENT)
    print(f"{found.emotion} by {sys.executable}")


if __name__ == "__main__":
    main()
