"""What can be checked, by its name: networks of this package, their exports, ONNX files and functions of others."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ser_acrnn import audio
from ser_acrnn.checking.answers import RATE_HERTZ, Answers, FunctionJudge, Judge
from ser_acrnn.checking.outcomes import CheckError
from ser_acrnn.evaluation import metrics
from ser_acrnn.export.checks import pieces
from ser_acrnn.export.exporting import open_exported
from ser_acrnn.export.targets import check_file
from ser_acrnn.inference.predictor import Predictor


class NetworkJudge:
    """A network of this package; one that normalises by the speaker is given all recordings of the speaker before it judges."""

    def __init__(self, model: str) -> None:
        self.predictor, self.name = Predictor(model), model
        self.emotions = self.predictor.emotions

    def __call__(self, waveforms: Sequence[NDArray[np.float32]], speakers: Sequence[str] = ()) -> Answers:
        """Judges recordings."""
        found: list[Any] = [None] * len(waveforms)
        adapts = self.predictor.preprocessor.scope == "speaker"
        who = np.array(speakers if adapts and len(speakers) else [""] * len(waveforms))
        for speaker in np.unique(who):
            places = np.flatnonzero(who == speaker).tolist()
            own = [waveforms[place] for place in places]
            if speaker:
                self.predictor.enrol(own, RATE_HERTZ, on_unusable=lambda error: None)
            for place, said in zip(places, self.predictor.predict_many(own, RATE_HERTZ), strict=True):
                found[place] = said
        refused = {place: str(said) for place, said in enumerate(found) if isinstance(said, audio.AudioError)}
        nothing = [np.nan] * len(self.emotions)
        posteriors = [nothing if place in refused else list(said.posteriors.values()) for place, said in enumerate(found)]
        unsure = [place not in refused and said.unsure for place, said in enumerate(found)]
        return Answers(np.array(posteriors, float).reshape(len(found), -1), np.array(unsure, bool), refused)


def opened(model: str, emotions: Sequence[str] = ()) -> Judge:
    """Opens what is to be checked.

    Args:
        model: Name of a network that ships; a `.keras` file of this package; an export with the features inside, in any format; an ONNX
            file that takes `(batch, samples)` at 16 kHz; or `module:function`, see `FunctionJudge`.
        emotions: Of an ONNX file that does not name them, or of a function, which is otherwise asked about a second of next to nothing.

    Raises:
        CheckError: It cannot be used; or emotions are given of a model that names its own.
        ValueError: It is no network.
    """
    path = Path(model)
    if check_file(path).is_file():
        return exported(path)
    if path.suffix == ".onnx":
        return _onnx(path, emotions)
    module, _, name = model.partition(":")
    if name and not path.exists():
        return FunctionJudge(model, _function(module, name), emotions)
    if emotions:
        raise CheckError(f"{model}: names its emotions itself, expected no others; they are for ONNX files and functions")
    return NetworkJudge(model)


def exported(path: Path, network: NetworkJudge | None = None) -> FunctionJudge:
    """An export of a network of this package, with its check beside it.

    Args:
        path: The file, or the folder of a SavedModel.
        network: What an export that takes segments was made from, which makes them.

    Raises:
        CheckError: It takes segments, and there is no network; its check cannot be read.
        ExportError: It cannot be opened.
    """
    facts = _facts(check_file(path))
    judge, emotions = open_exported(path, facts["format"]), facts["emotions"]
    if not facts["waveform"] and network is None:
        raise CheckError(f"{path}: takes segments of log-Mels, expected raw audio; export it with --waveform, or check its network")
    length = facts["input_shape"][0] if facts["waveform"] else None

    def judged(waveform: NDArray[np.float32]) -> dict[str, float]:
        if network is None or facts["waveform"]:
            said = np.concatenate([judge([piece]) for piece in pieces([waveform], length)])
        else:
            said = judge(network.predictor.preprocessor.segments(waveform, RATE_HERTZ))
        said = _answers(said)
        found = metrics.utterance_posteriors(said, np.zeros(len(said), int))[0]
        return dict(zip(emotions, (found / found.sum()).tolist(), strict=True))

    return FunctionJudge(str(path), judged, emotions)


def _answers(said: NDArray[np.floating]) -> NDArray[np.floating]:
    """Posteriors without the rows of NaN, by which a file refuses what `Predictor` refuses.

    Raises:
        ValueError: There are no others.
    """
    answered = said[~np.isnan(said).any(axis=1)]
    if not len(answered):
        raise ValueError("says NaN, which is how a network's file refuses a recording")
    return answered


def _facts(path: Path) -> dict[str, Any]:
    expected = {"format", "emotions", "waveform", "input_shape"}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckError(f"{path}: cannot be read as the check of an export ({error}), expected what `ser-acrnn export` wrote") from error
    if not isinstance(found, dict) or not expected <= found.keys():
        raise CheckError(f"{path}: is no check of an export, expected an object with {sorted(expected)}, as `ser-acrnn export` writes it")
    return found


def _onnx(path: Path, emotions: Sequence[str]) -> FunctionJudge:
    try:
        import onnxruntime
    except ImportError as error:
        raise CheckError(f"{path}: needs ONNX Runtime, expected the extra: pip install 'ser_acrnn[export]'") from error
    if not path.is_file():
        raise CheckError(f"{path}: does not exist, expected an ONNX file")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's are of no common class
        raise CheckError(f"{path}: cannot be opened ({' '.join(str(error).split())[:200]}), expected an ONNX file") from error
    entry, named = session.get_inputs()[0], session.get_modelmeta().custom_metadata_map.get("emotions")
    names = tuple(emotions) or tuple(json.loads(named) if named else ())
    if len(session.get_inputs()) != 1 or len(entry.shape) != 2:
        shapes = [one.shape for one in session.get_inputs()]
        raise CheckError(f"{path}: takes {shapes}, expected one input, (batch, samples) at 16 kHz; module:function adapts any other model")
    size = session.get_outputs()[0].shape[-1]
    if not names or (isinstance(size, int) and size != len(names)):
        raise CheckError(
            f"{path}: says {size} values, and the emotions are {list(names)}, expected --emotions with as many names, in its order"
        )

    def judged(waveform: NDArray[np.float32]) -> dict[str, float]:
        (said, *_) = session.run(None, {entry.name: waveform[None]})
        return dict(zip(names, _answers(np.asarray(said))[0].tolist(), strict=True))

    return FunctionJudge(str(path), judged, names)


def _function(module: str, name: str) -> Callable[[NDArray[np.float32]], Mapping[str, float]]:
    sys.path.insert(0, "")  # where the command was typed, as for `python -m`
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise CheckError(f"{module}:{name} cannot be imported ({error}), expected a module and a function in it") from error
    finally:
        sys.path.remove("")
    if not callable(found):
        raise CheckError(f"{module}:{name} is {type(found).__name__}, expected a function of samples")
    return found
