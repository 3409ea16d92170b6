"""Figures as files: widths, text as text in PDF and SVG, the same bytes of the same figure."""

import re

import pytest
from matplotlib.figure import Figure

from ser_acrnn.evaluation import drawing


@pytest.mark.parametrize(("text", "width"), [("3.5in", 3.5), ("3.5 inch", 3.5), ("8.89cm", 3.5), ("88.9 MM", 3.5), ("7.16inches", 7.16)])
def test_widths_have_a_unit(text, width):
    assert drawing.inches(text) == pytest.approx(width)


@pytest.mark.parametrize("text", ["", "3.5", "in", "3.5pt", "1in", "-3in", "nanin", "1000cm", "1e9in", "3,5in"])
def test_what_is_no_width_is_named(text):
    with pytest.raises(ValueError, match=re.escape(f"{text!r} is no width from 2 to 40 inches, expected something like 3.5in or 8.9cm")):
        drawing.inches(text)


def saved(path):
    figure = Figure(figsize=(3, 2))
    figure.subplots().set_xlabel("frequency, Hz")
    drawing.save(figure, path)
    return path.read_bytes()


def test_text_stays_text_in_vector_formats(tmp_path):
    assert b"frequency, Hz</text>" in saved(tmp_path / "a.svg")
    pdf = saved(tmp_path / "a.pdf")
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf  # TrueType, embedded
    assert saved(tmp_path / "named").startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["a.png", "a.pdf", "a.svg"])
def test_an_unchanged_figure_is_the_same_file(tmp_path, name):
    assert saved(tmp_path / name) == saved(tmp_path / f"again-{name}")


def test_lines_beyond_the_colours_have_another_style():
    styles = [(drawing.colour(number), drawing.line(number)) for number in range(3 * len(drawing.COLOURS))]
    assert len(set(styles)) == len(styles)


def test_letters_that_the_font_lacks_are_told_of_in_a_line(tmp_path, caplog, recwarn):
    figure = Figure()
    figure.text(0.1, 0.1, "愤怒生气, angry")
    drawing.save(figure, tmp_path / "figure.png")
    assert [record.getMessage() for record in caplog.records] == ["figure.png: boxes stand for 愤怒生气, which the font lacks"]
    assert not [one for one in recwarn if "Glyph" in str(one.message)]
    caplog.clear()
    drawing.address(figure)
    assert len(caplog.records) == 1
