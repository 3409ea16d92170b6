"""The `ser-acrnn` command: from a saved network and recordings to emotions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ser_acrnn import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0; 1 when some recording, or the network, could not be used; argparse exits with 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(
        prog="ser-acrnn",
        description="Speech emotion recognition with attention-based convolutional recurrent networks.",
        epilog="example: ser-acrnn predict --model build/emodb.keras recording.wav",
    )
    parser.add_argument("--version", action="version", version=f"ser-acrnn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    predict = commands.add_parser("predict", help="name the emotion of recordings", description="Prints a line a recording.")
    predict.add_argument("--model", required=True, help="a network saved as .keras")
    predict.add_argument("files", nargs="+", help="audio files of any length, rate and number of channels")
    options = parser.parse_args(arguments)
    return _predict(options.model, options.files)


def _predict(model: str, files: Sequence[str]) -> int:
    from ser_acrnn.audio import AudioError
    from ser_acrnn.predictor import Predictor

    try:
        predictor = Predictor(model)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    failures = 0
    for file in files:
        try:
            prediction = predictor.predict(file)
        except AudioError as error:
            print(error, file=sys.stderr)
            failures += 1
            continue
        ranked = sorted(prediction.posteriors.items(), key=lambda item: -item[1])
        print(f"{file}: {prediction.emotion} ({', '.join(f'{emotion} {share:.2f}' for emotion, share in ranked)})")
    return 1 if failures else 0
