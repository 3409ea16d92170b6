"""Executes the notebooks of this folder; with --write their outputs are kept, without what only this machine knows.

python -m notebooks [--write] [quick_start.ipynb ...]
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from data_prep import command

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
CELL_SECONDS = 1800  # that a cell may take; a busy machine is slow


def execute(notebook: nbformat.NotebookNode) -> None:
    """Runs all cells in the clone's root.

    Raises:
        CellExecutionError: A cell fails.
        CellTimeoutError: A cell takes longer than `CELL_SECONDS`.
    """
    NotebookClient(notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leaves of metadata what a reader needs, and of outputs what the notebook is about: native libraries' messages are not.

    Raises:
        ValueError: An output names a folder of this machine.
    """
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}, "language_info": {"name": "python"}}
    )
    for number, cell in enumerate(notebook.cells):
        cell.metadata, cell.id = nbformat.from_dict({}), f"cell-{number:02d}"
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        for output in cell.outputs:
            if "metadata" in output:
                output.metadata = nbformat.from_dict({})
    text = nbformat.writes(notebook)
    for folder in (str(ROOT), str(Path.home()), *filter(None, [os.environ.get("EMODB")])):
        if len(folder) > 1 and re.search(rf"{re.escape(folder)}\b", text):
            raise ValueError(f"an output names {folder}, expected no folder of this machine")


@command.entry
def main(
    files: Annotated[list[str] | None, typer.Argument(help="names of notebooks (default: all)")] = None,
    write: Annotated[bool, typer.Option("--write", help="keep the outputs")] = False,
) -> int:
    """Executes the notebooks; exit code 1 where one fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Debugging a kernel whose modules are frozen is nothing that anybody does here, and its warning fills the screen.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    for path in [FOLDER / Path(name).name for name in files or ()] or sorted(FOLDER.glob("*.ipynb")):
        started = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        try:
            execute(notebook)
            if write:
                clean(notebook)
                nbformat.validate(notebook)
                path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        except (CellExecutionError, CellTimeoutError, ValueError) as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            return 1
        print(f"{path.name}: {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
