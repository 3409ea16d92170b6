"""The tables beside a prepared corpus's features, manifest and recipe: read, and refused where preparation cannot have written them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ser_acrnn.config.features import recipe_from_dict

MANIFEST, RECIPE = "manifest.csv", "recipe.json"
COLUMNS = dict.fromkeys(("utterance", "speaker", "session", "emotion", "path", "sha256"), str) | {"seconds": float, "segments": int}
NEEDED = ("utterance", "speaker", "emotion", "sha256")  # by whoever reads a corpus
_EXPECTED = "expected what preparation writes; prepare the corpus again"


class DatasetError(ValueError):
    """A prepared corpus that is not there, incomplete, damaged, or lacks what was asked of it."""


def read_manifest(source: Path | io.StringIO, name: str) -> pd.DataFrame:
    """Reads a manifest: a row an utterance, texts but for `seconds` and `segments`.

    Args:
        source: A CSV.
        name: The file's, for errors.

    Raises:
        DatasetError: It is no such table.
    """
    try:
        manifest = pd.read_csv(source, dtype=COLUMNS, keep_default_na=False)
    except ValueError as error:
        raise DatasetError(f"{name}: cannot be read ({' '.join(str(error).split())}), {_EXPECTED}") from error
    if missing := [column for column in NEEDED if column not in manifest.columns]:
        raise DatasetError(f"{name}: lacks the columns {missing}, {_EXPECTED}")
    if not isinstance(manifest.index, pd.RangeIndex):  # pandas takes what is too much for names of rows
        raise DatasetError(f"{name}: has more fields in a line than in its head, {_EXPECTED}")
    if manifest.empty:
        raise DatasetError(f"{name}: holds no utterance, {_EXPECTED}")
    return manifest


def read_recipe(data: bytes, name: str, manifest: pd.DataFrame) -> dict[str, Any]:
    """Reads a recipe.

    Args:
        data: JSON.
        name: The file's, for errors.
        manifest: What `read_manifest` read beside it.

    Raises:
        DatasetError: It is none, or one of other speakers than the manifest's.
    """
    try:
        recipe = json.loads(data.decode())
        shape = recipe_from_dict(recipe["features"]).shape
        for speaker, sums in recipe["speakers"].items():
            found = [np.asarray(sums[part], np.float64).shape for part in ("frames", "sum", "sum_of_squares")]
            if found != [(), shape, shape] or not isinstance(sums["shard_sha256"], str):
                raise ValueError(f"the sums of speaker {speaker} have the shapes {found}")
        if not isinstance(recipe["corpus"], str) or not isinstance(recipe["recipe_hash"], str):
            raise TypeError("corpus and recipe_hash are no texts")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{name}: cannot be read ({_reason(error)}), {_EXPECTED}") from error
    if (there := set(manifest["speaker"])) != set(recipe["speakers"]):
        raise DatasetError(f"{name}: has the speakers {sorted(recipe['speakers'])}, but {MANIFEST} {sorted(there)}; {_EXPECTED}")
    return recipe


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
