"""Names of recordings whose parts are codes, such as `1001_IEO_ANG_HI`."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ser_acrnn.data.corpus import CorpusError


def codes(stem: str, separator: str, parts: Mapping[str, Collection[str]]) -> list[str]:
    """The parts of a file name without its suffix.

    >>> codes("a-03", "-", {"speaker": ("a", "b"), "take": ("01", "02", "03")})
    ['a', '03']

    Args:
        stem: The name.
        separator: What stands between its parts.
        parts: What each part says -> the codes that it may be.

    Raises:
        CorpusError: A part is missing or has another code; the message says which, its value and what was expected.
    """
    found = stem.split(separator)
    if len(found) != len(parts):
        form = separator.join(f"<{part}>" for part in parts)
        raise CorpusError(f"{stem!r} has {len(found)} part(s), expected {len(parts)}: {form}")
    problems = [
        f"{part} {code!r}, expected {_one_of(tuple(known))}"
        for code, (part, known) in zip(found, parts.items(), strict=True)
        if code not in known
    ]
    if problems:
        raise CorpusError(f"{stem!r}: " + ", ".join(problems))
    return found


def _one_of(known: tuple[str, ...]) -> str:
    """In words; numbers that follow each other by the first and the last."""
    if len(known) > 1 and all(code.isdecimal() for code in known):
        first, last = int(known[0]), int(known[-1])
        if [int(code) for code in known] == list(range(first, last + 1)):
            return f"{known[0]} to {known[-1]}"
    return " or ".join(known) if len(known) < 3 else f"one of {', '.join(known)}"
