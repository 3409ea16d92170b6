"""What all configurations share, on one that is made for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ser_acrnn.config.json_config import ConfigError, JsonConfig


@dataclass(frozen=True)
class Inner(JsonConfig):
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Outer(JsonConfig):
    name: str
    inner: Inner
    share: float = 0.5
    words: dict[str, str] = field(default_factory=dict)


def test_fields_with_a_default_may_be_missing_and_others_may_not() -> None:
    assert Outer.from_dict({"name": "a", "inner": {"sizes": [1, 2]}}) == Outer("a", Inner((1, 2)))
    with pytest.raises(ConfigError, match=r"Outer lacks the field \['inner', 'name'\], expected all of \['inner', 'name'\]"):
        Outer.from_dict({"share": 1.0})
    with pytest.raises(ConfigError, match=r"Inner lacks the field \['sizes'\], expected all of \['sizes'\]"):
        Outer.from_dict({"name": "a", "inner": {}})
    with pytest.raises(ConfigError, match=r"Inner has no field \['size'\]"):
        Outer.from_dict({"name": "a", "inner": {"size": [1]}})
