"""Manifest and recipe of a prepared corpus are read as they were written, or named with what is wrong with them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.data.manifest import COLUMNS, DatasetError, read_manifest, read_recipe

MANIFEST = f"{','.join(COLUMNS)}\n03a01Fa,03,,happy,wav/03a01Fa.wav,ab,1.5,1\n08a01Wa,08,,angry,wav/08a01Wa.wav,cd,4.25,2\n"
PAPER = FEATURE_RECIPES["paper"]
SUMS = [[0.5] * 3] * 40
RECIPE: dict[str, Any] = {
    "corpus": "mine",
    "features": PAPER.to_dict(),
    "recipe_hash": PAPER.recipe_hash,
    "speakers": {name: {"shard_sha256": "ab", "frames": 100, "sum": SUMS, "sum_of_squares": SUMS} for name in ("03", "08")},
}


def manifest(text: str = MANIFEST) -> Any:
    return read_manifest(io.StringIO(text), "a/manifest.csv")


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    recipe = json.loads(json.dumps(RECIPE))
    change(recipe)
    return json.dumps(recipe).encode()


def test_what_was_written_is_read() -> None:
    rows = manifest()
    assert list(rows["speaker"]) == ["03", "08"] and list(rows["session"]) == ["", ""] and rows["segments"].sum() == 3
    assert rows.to_csv(index=False) == MANIFEST
    assert read_recipe(json.dumps(RECIPE).encode(), "a/recipe.json", rows) == RECIPE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "No columns to parse"),
        (MANIFEST + "a,b,c,d,e,f,1,2,3\n", "cannot be read"),
        (MANIFEST.replace(",1.5,", ",1.x,"), "cannot be read"),
        (MANIFEST.replace(",1\n", ",one\n"), "cannot be read"),
        (MANIFEST.replace("speaker", "speaXer"), r"lacks the columns \['speaker'\]"),
    ],
)
def test_what_is_no_manifest_is_named(text: str, expected: str) -> None:
    with pytest.raises(DatasetError, match=rf"^a/manifest\.csv: .*{expected}.*prepare the corpus again") as caught:
        manifest(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xff", "can't decode"),
        (b"{", "cannot be read"),
        (b"[1]", "cannot be read"),
        (changed(lambda recipe: recipe.pop("speakers")), "no 'speakers'"),
        (changed(lambda recipe: recipe.update(corpus=3)), "corpus and recipe_hash are no texts"),
        (changed(lambda recipe: recipe["features"].update(mels="x")), "cannot be read"),
        (changed(lambda recipe: recipe["speakers"]["03"].pop("frames")), "no 'frames'"),
        (changed(lambda recipe: recipe["speakers"]["03"]["sum"].pop()), r"the sums of speaker 03 have the shapes \[\(\), \(39, 3\)"),
        (changed(lambda recipe: recipe["speakers"]["03"]["sum"][0].pop()), "cannot be read"),
        (changed(lambda recipe: recipe["speakers"].pop("08")), r"has the speakers \['03'\], but manifest.csv \['03', '08'\]"),
    ],
)
def test_what_is_no_recipe_is_named(data: bytes, expected: str) -> None:
    with pytest.raises(DatasetError, match=rf"^a/recipe\.json: .*{expected}.*prepare the corpus again") as caught:
        read_recipe(data, "a/recipe.json", manifest())
    assert "\n" not in str(caught.value)
