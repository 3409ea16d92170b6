"""What a network says -> the JSON of an answer, whose fields the server's own page describes."""

from __future__ import annotations

from pydantic import BaseModel, Field

from ser_acrnn.inference.predictions import Prediction, WindowPrediction


class Said(BaseModel):
    """What the network says of a recording or of a part of it."""

    emotion: str | None = Field(description="The decision; null where nothing can be said.")
    unsure: bool = Field(description="Whether it is like nothing that the network was trained on, so that the decision means nothing.")
    posteriors: dict[str, float] = Field(description="Share of each emotion, summing to one.")
    speech_seconds: float
    signal_to_noise_decibels: float
    unfamiliarity: float = Field(description="Distance from what the network was trained on, or lack of voice; beyond 1 it is unsure.")


class Window(Said):
    """A window of a recording, or of a stream."""

    start_seconds: float
    end_seconds: float
    flaw: str = Field(description="Why nothing is said of it, such as silence; empty where something is.")


class Recording(Said):
    """A recording."""

    name: str
    seconds: float


class Timeline(BaseModel):
    """A recording, window by window."""

    name: str
    windows: list[Window]


class Unusable(BaseModel):
    """Why there is no answer, in one line."""

    error: str
    name: str | None = Field(default=None, description="Of the recording, where it is about one of several.")


class Recordings(BaseModel):
    """What is said of each recording of a form, in its order."""

    predictions: list[Recording | Timeline | Unusable]


class Network(BaseModel):
    """A network that can be had."""

    name: str
    emotions: list[str] | None = Field(default=None, description="Of the one that answers here.")
    description: str
    answers: bool = Field(description="Whether it is the one that answers here.")


def _facts(said: Prediction | WindowPrediction) -> dict[str, object]:
    return {
        "emotion": said.emotion,
        "unsure": said.unsure,
        "posteriors": said.posteriors,
        "speech_seconds": said.speech_seconds,
        "signal_to_noise_decibels": said.signal_to_noise_decibels,
        "unfamiliarity": said.unfamiliarity,
    }


def of_window(said: WindowPrediction) -> Window:
    """The answer about a window."""
    return Window.model_validate({**_facts(said), "start_seconds": said.start_seconds, "end_seconds": said.end_seconds, "flaw": said.flaw})


def of_recording(name: str, said: Prediction | list[WindowPrediction] | ValueError) -> Recording | Timeline | Unusable:
    """The answer about a recording, about its windows, or why there is none."""
    if isinstance(said, ValueError):
        return Unusable(error=str(said), name=name)
    if isinstance(said, list):
        return Timeline(name=name, windows=[of_window(window) for window in said])
    return Recording.model_validate({**_facts(said), "name": name, "seconds": said.seconds})
