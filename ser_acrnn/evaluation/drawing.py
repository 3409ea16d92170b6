"""How figures are set and saved: a paper's columns, its type, colours that the colour-blind tell apart, formats with text as text."""

from __future__ import annotations

import base64
import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_acrnn import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

COLUMN_INCHES, PAGE_INCHES = 3.5, 7.16  # one column and two of the IEEE's pages
LEAST_INCHES, MOST_INCHES = 2.0, 40.0
DOTS_PER_INCH = 110  # of figures for the screen
PRINT_DOTS_PER_INCH = 300
# M. Okabe, K. Ito, "Color Universal Design", 2008; the yellow is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", ":", "-.")  # for more lines than there are colours
_UNITS = {"in": 1.0, "inch": 1.0, "inches": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
# The IEEE's captions have 8 points. Journals want the letters of a vector file as letters of an embedded font.
_PRINTED: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "axes.linewidth": 0.6,
}
_GLYPH = re.compile(r"Glyph (\d+) .* missing from (?:font|current font)")
_SAVED: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "ser_acrnn"}
# Without version and date in the file, an unchanged figure stays byte for byte the same.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}


def inches(text: str) -> float:
    """A width such as `3.5in` or `8.9cm`, in inches.

    Raises:
        ValueError: It is none, or none of a figure.
    """
    match = re.fullmatch(r"(\d+\.?\d*)\s*([a-z]+)", text.strip().lower())
    width = float(match[1]) * _UNITS.get(match[2], 0) if match else 0
    if not LEAST_INCHES <= width <= MOST_INCHES:
        raise ValueError(f"{text!r} is no width from {LEAST_INCHES:g} to {MOST_INCHES:g} inches, expected something like 3.5in or 8.9cm")
    return width


@contextmanager
def printed() -> Iterator[None]:
    """Within it, figures are drawn in the type of a paper."""
    import matplotlib

    with matplotlib.rc_context(_PRINTED):
        yield


def colour(number: int) -> str:
    """The colour of a line; as many as there are colours differ, more by `line`."""
    return COLOURS[number % len(COLOURS)]


def line(number: int) -> str:
    """The style of a line."""
    return LINES[number // len(COLOURS) % len(LINES)]


def check_path(path: Path) -> None:
    """Refuses, before a figure is drawn, a name that it cannot be saved under.

    Raises:
        ValueError: See `ser_acrnn.files.check_target`; or the name's end is of no format.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    files.check_target(path)
    known = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix and path.suffix[1:].lower() not in known:
        raise ValueError(f"{path}: ends in {path.suffix!r}, expected one of {', '.join(known)}")


def save(figure: Figure, path: Path, *, dots_per_inch: int = DOTS_PER_INCH) -> None:
    """Writes a figure in the format that its name ends in, as PNG where it ends in none; PDF and SVG with their text as text.

    Args:
        figure: What is drawn.
        path: The file.
        dots_per_inch: Of PNG, and of images inside of the others.
    """
    import matplotlib

    format = path.suffix[1:].lower() or "png"
    with files.replacing(path) as partial, matplotlib.rc_context(_SAVED), _telling_of_letters(path.name):
        figure.savefig(partial, dpi=dots_per_inch, format=format, metadata=_METADATA.get(format))


@contextmanager
def _telling_of_letters(name: str) -> Iterator[None]:
    """Within it, letters that the font lacks are told of in a line, instead of in a warning each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    found = [(one, _GLYPH.match(str(one.message))) for one in caught]
    if lacking := dict.fromkeys(chr(int(match[1])) for _, match in found if match):
        logger.warning("%s: boxes stand for %s, which the font lacks", name, "".join(lacking))
    for other in (one for one, match in found if not match):
        warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)


def address(figure: Figure, *, dots_per_inch: int = DOTS_PER_INCH) -> str:
    """A figure as the address of a picture, for a page that holds its pictures: a PNG in a `data:` URL."""
    stream = io.BytesIO()
    with _telling_of_letters("a figure"):
        figure.savefig(stream, dpi=dots_per_inch, format="png", metadata=_METADATA["png"])
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
