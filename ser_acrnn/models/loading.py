"""A saved network in, whoever saved it: nothing that it holds is run, and each way in which it can be wrong is an error that names it."""

from __future__ import annotations

import io
import json
import math
import os
import stat
import textwrap
import zipfile
import zlib
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import h5py
import keras

from ser_acrnn.models.saving import WEIGHTS

CONFIG, METADATA = "config.json", "metadata.json"  # in the archive that a .keras file is, beside the weights
PARTS = ("normalise", "attention", "emotion")
# The largest network here has 33 MB of weights, and three times that with its optimiser.
MOST_CONFIG_BYTES, MOST_WEIGHT_BYTES = 2**24, 2**30
EXPECTED = "expected a network saved as .keras"
_LONGEST_REASON = 200  # characters


class NetworkError(ValueError):
    """A network that cannot be opened, or is none of this package's; the message names it, what was found and what was expected."""


def load(path: str | Path) -> keras.Model:
    """Opens a network, without its optimiser.

    Keras's safe mode is on whatever the file says, and only layers of Keras and those that are registered are made. What the file unpacks
    to is bounded before it is unpacked.

    Args:
        path: A `.keras` file, or a folder as `ser_acrnn.export.hub.save_to_hub_folder` writes it.

    Raises:
        NetworkError: It is missing, damaged, or larger than any network here; it holds a layer that is not known, or one that would run
            code; its layers and its weights do not belong together, or a weight is not finite.
    """
    path = Path(path)
    config, metadata = (_of_folder if os.path.isdir(path) else _of_archive)(path)
    version = metadata.get("keras_version", "an unknown version") if isinstance(metadata, dict) else "an unknown version"
    _check_layers(config, path, version)
    try:
        # Without values for its variables, which may be larger than memory.
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object({**config, "compile_config": None}, safe_mode=True)
        size = 4 * sum(math.prod(variable.shape) for variable in model.variables)
    except Exception as error:
        raise NetworkError(f"{path}: cannot be opened by Keras {keras.__version__} ({_reason(error)}), saved by {version}") from error
    if size > MOST_WEIGHT_BYTES:
        raise NetworkError(f"{path}: its layers take {size:,} bytes, expected at most {MOST_WEIGHT_BYTES:,}")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise NetworkError(f"{path}: its weights are not those of its layers ({_reason(error)}), expected both of one network") from error
    return _finite(model, str(path))


def check_parts(model: keras.Model, name: str = "", parts: tuple[str, ...] = PARTS) -> None:
    """Refuses a network that lacks what the package needs of it.

    Args:
        model: Any network.
        name: What the error calls it, by default by its own name.
        parts: Names of layers.

    Raises:
        NetworkError: It is no model of Keras, has no layer of such a name, or that is another layer than this package's.
    """
    if not isinstance(model, keras.Model):
        raise NetworkError(f"the model is a {type(model).__name__}, expected a keras.Model, as ser_acrnn.load_pretrained gives")
    name = name or model.name
    layers, needed = {layer.name: layer for layer in model.layers}, {"normalise": "recipe_hash", "emotion": "emotions"}
    lacking = [part for part in parts if part not in layers]
    nameless = [
        f"{part!r} has no {needed[part]}" for part in parts if part in layers and not hasattr(layers[part], needed.get(part, "name"))
    ]
    if lacking or nameless:
        found = "; ".join([f"it has no layer {part!r}" for part in lacking] + [f"its layer {one}" for one in nameless])
        if any(isinstance(layer, keras.Model) for layer in model.layers):
            hint = "; ser_acrnn.models.waveform.network_in gives the network in one that takes raw audio"
        else:
            hint = "; of a network that has it, ser_acrnn.with_new_head makes one for other emotions" if "emotion" in lacking else ""
        raise NetworkError(f"{name}: is not a network of ser_acrnn ({found}), expected its layers {', '.join(map(repr, parts))}{hint}")


def _of_archive(path: Path) -> tuple[dict[str, Any], Any]:
    """The configuration and what else is told of a network in a file, which is found to be whole."""
    if not os.path.isfile(path):
        raise NetworkError(f"{path}: no such file, {EXPECTED}")
    if path.suffix != ".keras":
        raise NetworkError(f"{path}: its name ends in {path.suffix!r}, {EXPECTED}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), path)
            if damaged := archive.testzip():
                raise NetworkError(f"{path}: is damaged: {damaged} has another checksum than when it was saved, {EXPECTED}")
            names = archive.namelist()
            config = _parsed(archive.read(CONFIG), path, CONFIG)
            metadata = _parsed(archive.read(METADATA), path, METADATA) if METADATA in names else {}
            weights = io.BytesIO(archive.read(WEIGHTS))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise NetworkError(f"{path}: {_not_an_archive(path, error)}, {EXPECTED}") from error
    _check_weights(weights, path)
    return config, metadata


def _of_folder(path: Path) -> tuple[dict[str, Any], Any]:
    """The same of a network in a folder."""
    for name, most in ((CONFIG, MOST_CONFIG_BYTES), (WEIGHTS, MOST_WEIGHT_BYTES)):
        if not (path / name).is_file():
            raise NetworkError(f"{path}: is a folder without {name}, expected a .keras file, or a folder for the Hugging Face hub")
        if (size := (path / name).stat().st_size) > most:
            raise NetworkError(f"{path / name}: has {size:,} bytes, expected at most {most:,}")
    try:
        config = _parsed((path / CONFIG).read_bytes(), path, CONFIG)
        metadata = _parsed((path / METADATA).read_bytes(), path, METADATA) if (path / METADATA).is_file() else {}
    except OSError as error:
        raise NetworkError(f"{path}: cannot be read ({_reason(error)}), {EXPECTED}") from error
    _check_weights(path / WEIGHTS, path)
    return config, metadata


def _check_members(members: list[zipfile.ZipInfo], path: Path) -> None:
    """Refuses what no network's archive holds, by its table of contents alone."""
    names, known = (
        [member.filename for member in members],
        {CONFIG: MOST_CONFIG_BYTES, METADATA: MOST_CONFIG_BYTES, WEIGHTS: MOST_WEIGHT_BYTES},
    )
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in names]:
        raise NetworkError(f"{path}: is an archive without {' and '.join(missing)}, {EXPECTED}")
    for member in members:
        name = textwrap.shorten(repr(member.filename), _LONGEST_REASON)
        if member.filename not in known or names.count(member.filename) > 1 or stat.S_ISLNK(member.external_attr >> 16):
            kind = "is a link" if stat.S_ISLNK(member.external_attr >> 16) else "is not a part of a network, or there twice"
            raise NetworkError(f"{path}: its member {name} {kind}, expected {', '.join(known)} alone")
        if member.file_size > known[member.filename]:
            raise NetworkError(
                f"{path}: its member {name} unpacks to {member.file_size:,} bytes, expected at most {known[member.filename]:,}"
            )


def _not_an_archive(path: Path, error: Exception) -> str:
    """Why a file cannot be read as an archive."""
    try:
        with path.open("rb") as stream:
            begins = stream.read(4)
    except OSError:
        return f"cannot be read ({_reason(error)})"
    if not begins:
        return "is empty (0 bytes)"
    if begins != b"PK\x03\x04":
        return f"is not a .keras archive: begins with {begins!r}"
    return f"is damaged or cut off ({_reason(error)})"


def _parsed(content: bytes, path: Path, name: str) -> Any:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"{path}: its {name} is not JSON ({_reason(error)}), {EXPECTED}") from error
    if not isinstance(found, dict):
        raise NetworkError(f"{path}: its {name} holds a {type(found).__name__}, expected an object")
    return found


def _check_weights(source: Path | io.BytesIO, path: Path) -> None:
    """Refuses weights that are not readable, lie elsewhere, or unpack to more than memory may hold, by what they announce."""
    total = 0

    def add(name: str, link: h5py.HardLink | h5py.SoftLink | h5py.ExternalLink) -> None:
        nonlocal total
        found = weights[name] if isinstance(link, h5py.HardLink) else None
        if found is None or (isinstance(found, h5py.Dataset) and (found.external or found.is_virtual)):
            raise NetworkError(f"{path}: the weights {name!r} lie outside of {WEIGHTS}, {EXPECTED}")
        total += found.nbytes if isinstance(found, h5py.Dataset) else 0

    try:
        with h5py.File(source, "r") as weights:
            weights.visititems_links(add)
    except NetworkError:
        raise
    except Exception as error:
        raise NetworkError(f"{path}: its {WEIGHTS} cannot be read ({_reason(error)}), {EXPECTED}") from error
    if total > MOST_WEIGHT_BYTES:
        raise NetworkError(f"{path}: its weights unpack to {total:,} bytes, expected at most {MOST_WEIGHT_BYTES:,}")


def _check_layers(config: dict[str, Any], path: Path, version: str) -> None:
    """Refuses a layer, or a part of one, that is not known here, or that runs code of the file."""
    for layer, entry in _objects(config):
        kind, module = str(entry["class_name"]), str(entry.get("module") or "")
        if kind in ("Lambda", "__lambda__"):
            raise NetworkError(f"{path}: its layer {layer!r} is a Lambda, which runs code from the file, expected layers that run none")
        called = str(entry["config"]) if kind == "function" else kind
        if not _known(entry, called, module):
            what = f"{path}: its layer {layer!r} needs {'.'.join(filter(None, (module, called)))}"
            unknown = f"which Keras {keras.__version__} does not know here (saved by {version})"
            raise NetworkError(f"{what}, {unknown}, expected layers of Keras and ser_acrnn, or others imported before")


def _known(entry: dict[str, Any], called: str, module: str) -> bool:
    if called.startswith("__") or module == "builtins":  # Keras's own: tensors, slices, functions by their name
        return True
    if keras.saving.get_registered_object(str(entry.get("registered_name") or called)) is not None:
        return True
    try:
        return module.split(".")[0] == "keras" and attrgetter(".".join([*module.split(".")[1:], called]))(keras) is not None
    except AttributeError:
        return False


def _objects(value: Any, layer: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All that a configuration names to be made, with the name of the layer that it is in."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            inner = value["config"] if isinstance(value["config"], dict) else {}
            layer = str(value.get("name") or inner.get("name") or layer or value["class_name"])
            yield layer, value
        for inside in value.values():
            yield from _objects(inside, layer)
    elif isinstance(value, list):
        for inside in value:
            yield from _objects(inside, layer)


def _finite(model: keras.Model, name: str) -> keras.Model:
    for variable in model.weights:
        if "float" in str(variable.dtype) and not bool(keras.ops.all(keras.ops.isfinite(variable))):
            raise NetworkError(f"{name}: the weights {variable.path!r} hold NaN or infinite values, expected numbers")
    return model


def _reason(error: BaseException) -> str:
    """What went wrong in the first place, in a line: libraries wrap it in all that they know."""
    while error.__context__ is not None:
        error = error.__context__
    said = str(error).strip().split("\n\n")[0] or type(error).__name__
    return textwrap.shorten(said, _LONGEST_REASON)
