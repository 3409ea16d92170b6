"""What all configurations share: one error, checks that name field, value and expectation, and a JSON round trip."""

from __future__ import annotations

import dataclasses
import json
from numbers import Integral, Real
from typing import Any, Self, get_args, get_type_hints


class ConfigError(ValueError):
    """A configuration that cannot be meant; the message names the field, its value and what was expected."""


def require(condition: bool, config: object, field: str, expectation: str) -> None:
    """Raises a `ConfigError` that names field, value and expectation unless the condition holds."""
    if not condition:
        raise ConfigError(f"{type(config).__name__}.{field} is {getattr(config, field)!r}, expected {expectation}")


# Of a field that is None by default, and then not in `to_dict`: hashes and results from before there was one stay as they are.
LATER = {"later": True}


class JsonConfig:
    """JSON round trip for frozen dataclasses whose fields are plain values, or such dataclasses."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as plain JSON values, without those that are `LATER` and None."""
        values = {field: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        kept = {field.name: value for field, value in values.items() if not (value is None and field.metadata == LATER)}
        return json.loads(json.dumps(kept, default=lambda value: value.to_dict()))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Builds the configuration from `to_dict`'s values.

        Raises:
            ConfigError: An unknown field, or one that has no default is missing.
        """
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        names = {field.name for field in fields}
        unknown = sorted(set(values) - names)
        if unknown:
            raise ConfigError(f"{cls.__name__} has no field {unknown}, expected some of {sorted(names)}")
        needed = {field.name for field in fields if field.default is field.default_factory is dataclasses.MISSING}
        if missing := sorted(needed - set(values)):
            raise ConfigError(f"{cls.__name__} lacks the field {missing}, expected all of {sorted(needed)}")
        kinds = get_type_hints(cls)
        return cls(**{name: _field(kinds[name], value) for name, value in values.items()})


_NUMBERS: dict[str, tuple[type, str, type]] = {"int": (Integral, "a whole number", int), "float": (Real, "a number", float)}


def settle_kinds(config: Any) -> None:
    """Refuses values of another kind than their field's, and makes those alike that are equal: 0 and 0.0 must hash equally.

    Raises:
        ConfigError: A text or a fraction for a whole number, a text for a number, or one value where several are expected.
    """
    for field in dataclasses.fields(config):
        value, kind = getattr(config, field.name), str(field.type).removesuffix(" | None")
        if value is None and kind != field.type:
            continue
        if kind in _NUMBERS:
            number, expectation, make = _NUMBERS[kind]
            require(isinstance(value, number) and not isinstance(value, bool), config, field.name, expectation)
            object.__setattr__(config, field.name, make(value))
        elif kind.startswith("tuple["):
            require(isinstance(value, tuple | list), config, field.name, "several values")
            object.__setattr__(config, field.name, tuple(map(_tuples, value)))


def _field(kind: Any, value: Any) -> Any:
    for one in get_args(kind) or (kind,):  # of `Config | None` the configuration, where there is one
        if isinstance(one, type) and issubclass(one, JsonConfig) and value is not None:
            return one.from_dict(value)
    return _tuples(value)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
