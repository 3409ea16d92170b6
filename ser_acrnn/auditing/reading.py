"""Files or a folder, in any of the formats -> a split, or the recordings of one that is to be made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ser_acrnn.audio.suffixes import AUDIO_SUFFIXES
from ser_acrnn.auditing import conventions, files_of_splits, leaks
from ser_acrnn.auditing.columns import Columns
from ser_acrnn.auditing.conventions import Convention
from ser_acrnn.auditing.split import Recording, Row, Split, SplitError, folds_of, part_named

AUDFORMAT_HEADER = "db.yaml"
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")  # of Hugging Face's AudioFolder
_LABELS = "label_map.json"  # of EmoBox


def read(
    sources: Sequence[str | Path],
    *,
    columns: Columns | None = None,
    corpus: str = "",
    rules: Mapping[str, str] | None = None,
    unseen_texts: bool = False,
) -> Split:
    """Reads a split.

    Args:
        sources: A folder, or the files of one split.
        columns: Names of columns, where they are not the usual ones.
        corpus: Whose file names say what no column says; "": the one corpus whose convention all names follow.
        rules: Role, such as `speaker` or `text`, -> regular expression on the path, in whose first group the value is.
        unseen_texts: Whether the test's sentences are to be new; so they are where a column or a rule of theirs is given.

    Raises:
        SplitError: It cannot be read, or is no split.
    """
    name, rows, convention = _completed(sources, columns, corpus, rules)
    asked = unseen_texts or bool(columns and columns.text) or "text" in (rules or {})
    return Split(name, folds_of(rows, name), convention.corpus if convention else "", asked)


def recordings(
    sources: Sequence[str | Path], *, columns: Columns | None = None, corpus: str = "", rules: Mapping[str, str] | None = None
) -> list[Recording]:
    """Reads the recordings of a split or of a list without parts, each once; arguments as in `read`. Columns of parts are not looked at.

    Raises:
        SplitError: See `read`; or a recording has two emotions or two speakers.
    """
    name, rows, _ = _completed(sources, replace(columns or Columns(), without=("part", "fold")), corpus, rules)
    found = list({row.recording: None for row in rows})
    if conflicts := list(leaks.conflicts(found)):
        raise SplitError(f"{name}: {conflicts[0].sentence[:-1]}, expected one of each")
    return list({one.key: one for one in reversed(found)}.values())[::-1]


def _completed(
    sources: Sequence[str | Path], columns: Columns | None, corpus: str, rules: Mapping[str, str] | None
) -> tuple[str, list[Row], Convention | None]:
    """Name, rows, and the convention of the recordings' names."""
    paths = [Path(source) for source in sources]
    if not paths:
        raise SplitError("no file is given, expected the files of a split, or a folder")
    name = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    patterns = {role: conventions.rule(role, pattern) for role, pattern in (rules or {}).items()}
    rows = list(_rows(paths, columns or Columns()))
    names = {row.recording.name for row in rows}
    convention = conventions.convention_of(names, corpus)
    said = {path: convention.read(path) or {} for path in names} if convention else {}
    completed: dict[Recording, Recording] = {}  # most stand in every fold
    for one in (row.recording for row in rows):
        if one not in completed:
            completed[one] = conventions.completed(one, said.get(one.name, {}), patterns)
    return name, [Row(completed[row.recording], row.part, row.fold) for row in rows], convention


def _rows(paths: Sequence[Path], columns: Columns) -> Iterable[Row]:
    if folders := [path for path in paths if path.is_dir()]:
        if len(paths) > 1:
            raise SplitError(f"{folders[0]}: is a folder among {len(paths)} names, expected one folder alone, or files")
        return _folder(paths[0], columns)
    if absent := [path for path in paths if not path.exists()]:
        raise SplitError(f"{absent[0]}: does not exist, expected a file of a split, or a folder")
    return _of_files({path: files_of_splits.rows(path, columns) for path in paths})


def _of_files(rows: Mapping[Path, list[Row]]) -> list[Row]:
    """The rows of the files of a split; where files begin their names anew, a recording and its session are of their own file.

    So they do where most names that two parts have in common are of different speakers in them, such as `dia0_utt0.wav` of MELD.
    """
    speakers: dict[tuple[str, str], dict[str, set[str]]] = {}  # fold and name -> part -> who speaks
    for row in (row for listed in rows.values() for row in listed if row.recording.speaker):
        speakers.setdefault((row.fold, row.recording.key), {}).setdefault(row.part, set()).add(row.recording.speaker)
    common = [list(by_part.values()) for by_part in speakers.values() if len(by_part) > 1]
    if 2 * sum(not set.intersection(*said) for said in common) <= len(common):
        return [row for listed in rows.values() for row in listed]
    return [
        replace(row, recording=replace(one, table=path.name, session=one.session and f"{one.session} of {path.name}"))
        for path, listed in rows.items()
        for row in listed
        for one in [row.recording]
    ]


def _folder(folder: Path, columns: Columns) -> list[Row]:
    for reader in (_audformat, _emobox, _hugging_face, _tables, _audio):
        if found := reader(folder, columns):
            return found
    raise SplitError(f"{folder}: holds neither tables of a split nor audio, expected some of either")


def _audformat(folder: Path, columns: Columns) -> list[Row]:
    if not (folder / AUDFORMAT_HEADER).is_file():
        return []
    from ser_acrnn.auditing import audformat  # PyYAML is for it alone

    return audformat.rows(folder, columns)


def _emobox(folder: Path, columns: Columns) -> list[Row]:
    """`fold_<k>/<corpus>_<part>_fold_<k>.jsonl`; other names are left where there are such."""
    found = sorted([*folder.glob("fold_*/*.jsonl"), *(folder.glob("*.jsonl") if folder.name.startswith("fold_") else [])])
    named = [path for path in found if re.search(r"_fold_\d+$", path.stem)]
    merged = _label_map(folder / _LABELS) or _label_map(folder.parent / _LABELS)
    rows = [row for path in named or found for row in _emobox_rows(path, columns)]
    return [
        replace(row, recording=replace(row.recording, emotion=merged.get(row.recording.emotion, row.recording.emotion))) for row in rows
    ]


def _emobox_rows(path: Path, columns: Columns) -> list[Row]:
    """Part and fold stand at the end of the file's name, behind a corpus's that may hold any words."""
    found = re.search(r"_([a-z]+)_fold_(\d+)$", path.stem)
    return files_of_splits.rows(path, columns, part=part_named(found[1]) if found else None, fold=found[2] if found else None)


def _label_map(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return {str(label): str(merged) for label, merged in dict(json.loads(files_of_splits.text_of(path))).items()}
    except (TypeError, ValueError) as error:
        raise SplitError(f"{path}: is no map of labels ({error}), expected a JSON object") from error


def _hugging_face(folder: Path, columns: Columns) -> list[Row]:
    """A folder a part, in which a table names the files, or folders are named as the emotions; or such a table above them."""
    found: list[Row] = []
    for inner in _folders(folder):
        if not (part := part_named(inner.name)):
            continue
        if tables := [inner / name for name in _METADATA if (inner / name).is_file()]:
            found += _below(files_of_splits.rows(tables[0], columns, part=part, fold=""), inner.name)
        else:
            found += [_audio_file(path, folder, part, path.parent.name if path.parent != inner else "") for path in _audio_in(inner)]
    if found:
        return found
    above = [folder / name for name in _METADATA if (folder / name).is_file()]
    rows = files_of_splits.rows(above[0], columns, part="", fold="") if above else []
    return [row if row.part else replace(row, part=part_named(row.recording.path.split("/")[0])) for row in rows]


def _below(rows: Iterable[Row], folder: str) -> list[Row]:
    """Paths in the table of a part are relative to its own folder."""
    return [
        replace(row, recording=replace(row.recording, path=f"{folder}/{row.recording.path}")) if row.recording.path else row for row in rows
    ]


def _tables(folder: Path, columns: Columns) -> list[Row]:
    """Files of parts, such as `train.csv`, or a single table; or folders of such files, each a fold."""
    here = _tables_in(folder)
    if named := [path for path in here if files_of_splits.part_of(path)] or here[: len(here) == 1]:
        return _of_files({path: files_of_splits.rows(path, columns) for path in named})
    if here:
        names = ", ".join(path.name for path in here[:5])
        raise SplitError(f"{folder}: holds {names}, expected names with train, validation and test, or one file")
    inner = [path for below in _folders(folder) for path in _tables_in(below) if files_of_splits.part_of(path)]
    several = len({path.parent for path in inner}) > 1
    folds = {path: files_of_splits.fold_of(path) or (path.parent.name if several else "") for path in inner}
    return [row for path, fold in folds.items() for row in files_of_splits.rows(path, columns, fold=fold)]


def _tables_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in files_of_splits.SUFFIXES)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _audio(folder: Path, columns: Columns) -> list[Row]:
    return [_audio_file(path, folder) for path in _audio_in(folder)]


def _audio_in(folder: Path) -> list[Path]:
    """Its audio files, without hidden ones, such as the `._` files of a Mac."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _audio_file(path: Path, folder: Path, part: str = "", emotion: str = "") -> Row:
    name = path.relative_to(folder).as_posix()
    return Row(Recording(name, name, emotion=emotion), part)
