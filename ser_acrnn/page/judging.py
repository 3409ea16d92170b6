"""What the page asks for, a recording and perhaps others of the same speaker -> what it shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ser_acrnn.evaluation import drawing
from ser_acrnn.inference import attention_figure
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.page import answers

NARROW_PIXELS = 640  # of a window in which a figure of a page's width could not be read
DOTS_PER_INCH = 150


class Judge:
    """A network that answers a page, which may adapt it to a speaker each time.

    Args:
        model: As of `Predictor`.
        longest_seconds: A recording that is longer is refused.

    Attributes:
        predictor: The network, adapted to nobody.

    Raises:
        ValueError: See `Predictor`.
    """

    def __init__(self, model: str, longest_seconds: float) -> None:
        self._longest_seconds = longest_seconds
        self.predictor = self._opened(model)

    def __call__(self, recording: Path | None, others: Sequence[Path] = (), window_pixels: float = 1024) -> str:
        """What is said of a recording, or why nothing is.

        Args:
            recording: The file; errors call it by its name.
            others: More recordings of the same speaker, to all of which the network adapts before, as `ser-acrnn predict --same-speaker`.
            window_pixels: Width of the reader's window.

        Returns:
            HTML.
        """
        if recording is None:
            return answers.refused("no recording is there, expected one that is uploaded or spoken")
        unusable: list[str] = []
        try:
            return self._shown(recording, others, window_pixels, unusable)
        except ValueError as error:
            return answers.left_out(unusable, 1 + len(others)) + answers.refused(_without_folder(str(error), [recording, *others]))

    def _shown(self, recording: Path, others: Sequence[Path], window_pixels: float, unusable: list[str]) -> str:
        files = [recording, *others]
        predictor = self._adapted(files, unusable) if others else self.predictor
        if predictor.preprocessor.scope == "speaker" and not others:
            raise ValueError(f"{predictor.name}: normalises by the speaker's own audio, expected other recordings of the same speaker")
        prediction = predictor.predict(recording)
        width = drawing.COLUMN_INCHES if window_pixels < NARROW_PIXELS else drawing.PAGE_INCHES
        figure = attention_figure.draw(predictor, recording, prediction=prediction, width_inches=width)
        return (
            answers.left_out(unusable, len(files))
            + answers.told(recording.name, prediction, len(files) - len(unusable) if others else 0)
            + answers.drawn(drawing.address(figure, dots_per_inch=DOTS_PER_INCH), recording.name, prediction)
            + answers.timeline(prediction)
        )

    def _adapted(self, files: Sequence[Path], unusable: list[str]) -> Predictor:
        """The network adapted to a speaker: another one each time, so that nothing of a speaker stays for the next."""
        predictor = self._opened(self.predictor.name)
        predictor.enrol(files, on_unusable=lambda error: unusable.append(_without_folder(str(error), files)))
        return predictor

    def _opened(self, model: str) -> Predictor:
        predictor = Predictor(model)
        predictor.preprocessor.longest_seconds = self._longest_seconds
        return predictor


def _without_folder(text: str, files: Sequence[Path]) -> str:
    """A sentence that calls files by the names that their senders gave them."""
    for file in files:
        text = text.replace(str(file), file.name)
    return text
