"""A network in a small `.keras` file, its large weights in float16, which every loader turns back into float32; and one in float32."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from ser_acrnn import files

LARGE = 1_000  # numbers in an array; smaller ones, such as biases and means, stay as they are
WEIGHTS = "model.weights.h5"  # in the archive that a .keras file is


def save_whole(model: keras.Model, path: str | Path) -> None:
    """Writes the network as Keras does, atomically.

    Args:
        model: A network.
        path: The file, ending in `.keras`.
    """
    with files.replacing(path) as partial:
        named = partial.with_name(f"{partial.name}.keras")  # Keras takes no other ending
        try:
            model.save(named)
            os.replace(named, partial)
        finally:
            named.unlink(missing_ok=True)


def save_compact(model: keras.Model, path: str | Path) -> None:
    """Writes the network without its optimiser, atomically.

    `keras.saving.load_model` reads the file as any other; its variables are float32, rounded to float16's eleven bits.

    Args:
        model: A network.
        path: The file, ending in `.keras`.

    Raises:
        ValueError: A weight is beyond float16's range, or the name ends otherwise.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"{path}: is to hold a network, expected a name that ends in .keras")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    with files.replacing(path) as partial, tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, path.name)
        copy.save(plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as target:
            for entry in source.infolist():
                content = source.read(entry)
                target.writestr(entry.filename, _halved(content, path) if entry.filename == WEIGHTS else content)


def _halved(content: bytes, path: Path) -> bytes:
    """The file of weights with its large arrays in float16."""
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(buffer, "w") as target:

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            if isinstance(item, h5py.Group):
                made = target.require_group(name)
            else:
                values = item[()]
                if values.dtype == np.float32 and values.size >= LARGE:
                    if not np.isfinite(values.astype(np.float16)).all():
                        raise ValueError(f"{path}: {name} has the largest weight {np.abs(values).max()}, expected at most 65504")
                    values = values.astype(np.float16)
                made = target.create_dataset(name, data=values)
            for key, value in item.attrs.items():
                made.attrs[key] = value

        source.visititems(copy)
        for key, value in source.attrs.items():
            target.attrs[key] = value
    return buffer.getvalue()


def in_float32(model: keras.Model) -> keras.Model:
    """The same network with the same weights, computed in float32 throughout."""

    def without_policies(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("class_name") == "DTypePolicy":
                return "float32"
            return {key: without_policies(item) for key, item in value.items()}
        return [without_policies(item) for item in value] if isinstance(value, (list, tuple)) else value

    copy = type(model).from_config(without_policies(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy
