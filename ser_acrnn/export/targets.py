"""Where an export may be written: under which name, beside what, and in place of what."""

from __future__ import annotations

from pathlib import Path

from ser_acrnn.export.formats import FORMATS
from ser_acrnn.inference.onnx_network import OnnxNetwork, RuntimeUnavailableError

_OF_A_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


def check_file(path: str | Path) -> Path:
    """Where the comparison of an export is kept."""
    return Path(f"{path}.check.json")


def complaint(path: Path, format: str) -> str:
    """Why an export of a known format cannot be written there; "" if it can."""
    suffix, suffixes = FORMATS[format].suffix, {known.suffix for known in FORMATS.values()}
    if path.suffix != suffix and (suffix or path.suffix in suffixes):
        return f"expected {f'a name ending in {suffix}' if suffix else 'the name of a folder'} for the format {format!r}"
    if suffix and path.is_dir():
        return "is a folder, expected a file"
    if format == "onnx" and _judges(path):
        return f"is the file by which {path.with_suffix('.keras')} is judged without TensorFlow, expected another name"
    if suffix:
        return ""
    if path.is_file():
        return "is a file, expected none, or the folder of an earlier SavedModel"
    if Path.cwd().resolve().is_relative_to(path.resolve()):
        return "is the current folder or holds it, expected the name of another: the folder is replaced"
    there = {one.name for one in path.iterdir()} if path.is_dir() else set()
    if there and not (path / "saved_model.pb").is_file():
        return "is a folder, expected none, an empty one, or an earlier SavedModel"
    if others := sorted(there - _OF_A_SAVED_MODEL):
        return f"holds {', '.join(others)} besides an earlier SavedModel, expected that alone: the folder is replaced"
    return ""


def _judges(path: Path) -> bool:
    """Whether a file is one of `ser_acrnn.export.light`, beside its network."""
    if not (path.is_file() and path.with_suffix(".keras").is_file()):
        return False
    try:
        OnnxNetwork(path, str(path))
    except RuntimeUnavailableError:
        return False
    return True
