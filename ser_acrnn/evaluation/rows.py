"""A table that somebody made: a CSV or a DataFrame, and errors that name its file, line, column and value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ser_acrnn import tables


class PredictionsError(ValueError):
    """Predictions or labels that cannot be evaluated; the message names file, line, column, value and expectation."""


@dataclass(frozen=True)
class Rows:
    """The rows of a table.

    Attributes:
        frame: Values; its index is what errors call the rows by: lines of the file, or what the DataFrame had.
        name: The file, or what was given instead of one.
        word: What the index counts.
    """

    frame: pd.DataFrame
    name: str
    word: str = "row"

    @classmethod
    def of(cls, table: pd.DataFrame | str | Path, name: str) -> Self:
        """Takes a DataFrame as it is, or reads a CSV, every value a text.

        Args:
            table: Names of columns are taken as texts.
            name: Of a DataFrame.

        Raises:
            PredictionsError: The file cannot be read, see `ser_acrnn.tables.read`; there is no row, or a column occurs twice.
        """
        if isinstance(table, pd.DataFrame):
            rows = cls(table.set_axis([str(column) for column in table.columns], axis="columns"), name)
        elif isinstance(table, str | Path):
            rows = cls(_read(Path(table)), str(table), "line")
        else:
            raise PredictionsError(f"{name} are {type(table).__name__}, expected a DataFrame or the path of a CSV file")
        if twice := sorted(set(rows.frame.columns[rows.frame.columns.duplicated()])):
            raise PredictionsError(f"{rows.name}: has the column {twice[0]!r} twice, expected each once")
        if rows.frame.empty:
            raise PredictionsError(f"{rows.name}: holds no row, expected an utterance in each")
        return rows

    def values(self, column: str, what: str) -> NDArray[np.str_]:
        """A column as texts.

        Args:
            column: Its name.
            what: What its values are, for the error.

        Raises:
            PredictionsError: There is no such column, or a value is missing.
        """
        self.require(column, what)
        found = self.frame[column]
        missing = found.isna()
        if found.dtype.kind == "f" and (found[~missing] % 1 == 0).all():  # what pandas makes of whole numbers where one is missing
            found = found.astype("Int64")
        texts = found.astype(str).str.strip()
        self.refuse(column, missing | (texts == ""), f"expected {what}", lambda _: "missing")
        return texts.to_numpy(str)

    def require(self, column: str, what: str) -> None:
        """Makes sure that there is a column.

        Raises:
            PredictionsError: There is none.
        """
        if column not in self.frame.columns:
            raise PredictionsError(
                f"{self.name}: lacks the column {column!r}, expected {what} there; "
                f"found {list(self.frame.columns)}{tables.similar([column], list(self.frame.columns))}"
            )

    def one_of(self, column: str, values: NDArray[np.str_], expected: Sequence[str]) -> None:
        """Makes sure that a column has expected values alone.

        Raises:
            PredictionsError: It has another one.
        """
        self.refuse(column, ~np.isin(values, list(expected)), f"expected one of {list(expected)}")

    def numbers(self, columns: Collection[str], why: str = "") -> NDArray[np.float64]:
        """Columns of posteriors, each value 0 to 1, shape `(rows, columns)`.

        Args:
            columns: Their names.
            why: They are taken for such, at the end of the error.

        Raises:
            PredictionsError: A column is missing, or a value is not such a number.
        """
        for column in columns:
            self.require(column, "posteriors")
        found = np.column_stack([pd.to_numeric(self.frame[column], errors="coerce").to_numpy(float) for column in columns])
        for column, values in zip(columns, found.T, strict=True):
            self.refuse(column, ~((values >= 0) & (values <= 1)), f"expected a posterior, 0 to 1{why}")
        return found

    def refuse(self, column: str, bad: Any, expected: str, show: Callable[[Any], str] = repr) -> None:
        """Raises where rows are bad, naming the first and how many there are.

        Args:
            column: What is wrong, such as the column with the values.
            bad: Whether a row is, shape `(rows,)`.
            expected: The end of the message.
            show: What the message has of the bad value.

        Raises:
            PredictionsError: A row is bad.
        """
        places = np.flatnonzero(np.asarray(bad))
        if len(places):
            others = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
            value = self.frame[column].iloc[places[0]]
            value = value.item() if isinstance(value, np.generic) else value
            raise PredictionsError(f"{self.name}, {self.word} {self.frame.index[places[0]]}{others}: {column} is {show(value)}, {expected}")


def _read(path: Path) -> pd.DataFrame:
    """A CSV, its index the lines of the rows."""
    try:
        table = tables.read(path)
    except tables.TableError as error:
        raise PredictionsError(str(error)) from error
    return pd.DataFrame([cells for _, cells in table.rows], index=[line for line, _ in table.rows], columns=table.columns, dtype=str)
