"""`audit` and `split`: what is wrong with a split, and splits with which nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ser_acrnn.cli.failures import Command, named
from ser_acrnn.cli.progress import Progress
from ser_acrnn.cli.running import tell

Corpus = Annotated[
    str,
    typer.Option(
        help="Whose file names say speaker and sentence: emodb, cremad, ravdess, iemocap, nemo, mead, tess, savee; by default the one "
        "whose names all are."
    ),
]
SpeakerFrom = Annotated[
    str, typer.Option(help="Regular expression on the path, in whose first group the speaker is, instead of a column.", metavar="REGEX")
]
TextFrom = Annotated[str, typer.Option(help="The same for the sentence, instead of a column.", metavar="REGEX")]
SessionFrom = Annotated[str, typer.Option(help="The same for the session or dialogue, instead of a column.", metavar="REGEX")]
PathColumn = Annotated[str, typer.Option(help="Column of the files, by default path, file, wav or the like.", metavar="COLUMN")]
IdColumn = Annotated[
    str, typer.Option(help="Column of the recordings' names, where there are no files, by default id or the like.", metavar="COLUMN")
]
SpeakerColumn = Annotated[str, typer.Option(help="Column of the speakers, by default speaker or the like.", metavar="COLUMN")]
EmotionColumn = Annotated[str, typer.Option(help="Column of the emotions, by default emotion, label or the like.", metavar="COLUMN")]
PartColumn = Annotated[str, typer.Option(help="Column that says train, validation or test, by default part or split.", metavar="COLUMN")]
FoldColumn = Annotated[
    str,
    typer.Option(help="Column of the fold that tests the recording, or, beside the part, of the fold; by default fold.", metavar="COLUMN"),
]
TextColumn = Annotated[str, typer.Option(help="Column of the sentences, by default text or the like.", metavar="COLUMN")]
SessionColumn = Annotated[str, typer.Option(help="Column of the sessions or dialogues, by default session or the like.", metavar="COLUMN")]
SexColumn = Annotated[str, typer.Option(help="Column of the speakers' sex, by default sex or gender.", metavar="COLUMN")]
Scheme = Literal["speaker", "group", "session", "speaker-and-text"]
Format = Literal["csv", "emobox", "speechbrain-csv", "speechbrain-json"]
MOST_FOLDS = 1_000
REPORT = "audit.md"


def add_to(app: typer.Typer) -> None:
    """Adds the subcommands."""
    app.command(cls=Command, epilog="Examples: ser-acrnn audit train.csv test.csv | ser-acrnn audit EmoBox/data/emodb --json")(audit)
    app.command(cls=Command, epilog="Example: ser-acrnn split emodb/wav --by group --folds 5 --format emobox --out honest")(split)


def audit(
    sources: Annotated[list[Path], typer.Argument(help="Files of one split, or its folder.", metavar="SPLIT...")],
    corpus: Corpus = "",
    speaker_from: SpeakerFrom = "",
    text_from: TextFrom = "",
    session_from: SessionFrom = "",
    path_column: PathColumn = "",
    id_column: IdColumn = "",
    speaker_column: SpeakerColumn = "",
    emotion_column: EmotionColumn = "",
    part_column: PartColumn = "",
    fold_column: FoldColumn = "",
    text_column: TextColumn = "",
    session_column: SessionColumn = "",
    sex_column: SexColumn = "",
    audio: Annotated[Path | None, typer.Option(help="Folder of the recordings, which are then also compared by their sound.")] = None,
    config: Annotated[
        list[Path] | None, typer.Option(help="Configuration or log of a training, to be looked at also; can be given again.")
    ] = None,
    unseen_texts: Annotated[
        bool, typer.Option("--unseen-texts", help="The test's sentences are to be new, as where a column or rule of theirs is given.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Also train a simple system under this split and an honest one; needs --audio and openSMILE.")
    ] = False,
    work: Annotated[
        Path | None, typer.Option(help="Folder that keeps what --estimate computes of the recordings; by default nothing is kept.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find what is known of the test beforehand in a split: exit code 0, nothing was found; 1, something was; 2, wrong arguments."""
    from ser_acrnn import auditing

    if estimate and audio is None:
        raise typer.BadParameter("--estimate needs --audio, the folder of the recordings")
    with named():
        columns = auditing.Columns(
            path_column, id_column, speaker_column, emotion_column, part_column, fold_column, text_column, session_column, sex_column
        )
        with Progress(None, shown=audio is not None) as progress:
            found = auditing.audit(
                *sources,
                columns=columns,
                corpus=corpus,
                rules=_rules(speaker_from, text_from, session_from),
                audio=audio,
                config=config or (),
                unseen_texts=unseen_texts,
                estimate=estimate,
                work=work,
                on_file=progress.update,
            )
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    else:
        tell(found.to_markdown())
    if not found.clean:
        raise typer.Exit(1)


def split(
    sources: Annotated[list[Path], typer.Argument(help="A table of recordings, a split, or a folder of audio.", metavar="SOURCE...")],
    out: Annotated[Path, typer.Option(help="New folder for the split and the audit of it.")],
    by: Annotated[Scheme, typer.Option(help="What a fold tests that is not heard in training.")] = "speaker",
    folds: Annotated[
        int, typer.Option(min=0, max=MOST_FOLDS, help="Groups of speakers, by default 5; with speaker-and-text each speaker alone.")
    ] = 0,
    form: Annotated[Format, typer.Option("--format", help="Of the files.")] = "csv",
    validation: Annotated[bool, typer.Option(help="Set somebody aside in each fold by whom the epoch is chosen.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="What groups of speakers are drawn by, of those that are as even.")] = 0,
    corpus: Corpus = "",
    speaker_from: SpeakerFrom = "",
    text_from: TextFrom = "",
    session_from: SessionFrom = "",
    path_column: PathColumn = "",
    id_column: IdColumn = "",
    speaker_column: SpeakerColumn = "",
    emotion_column: EmotionColumn = "",
    text_column: TextColumn = "",
    session_column: SessionColumn = "",
    sex_column: SexColumn = "",
) -> None:
    """Write folds in which nobody of the test is heard in training, and the audit of them; parts that the source has are forgotten.

    Exit code 0: the audit finds nothing; 1: it finds something that these recordings do not allow to be had otherwise.
    """
    from ser_acrnn import auditing
    from ser_acrnn.files import write_text

    if folds and by not in ("group", "speaker-and-text"):
        raise typer.BadParameter(f"--folds is {folds}, expected it with --by group or speaker-and-text: a fold tests each {by}")
    if folds == 1:
        raise typer.BadParameter("--folds is 1, expected 2 or more")
    with named():
        columns = auditing.Columns(
            path=path_column,
            id=id_column,
            speaker=speaker_column,
            emotion=emotion_column,
            text=text_column,
            session=session_column,
            sex=sex_column,
        )
        listed = auditing.reading.recordings(sources, columns=columns, corpus=corpus, rules=_rules(speaker_from, text_from, session_from))
        found = auditing.splitting.made(listed, by, name=", ".join(map(str, sources)), folds=folds, validation=validation, seed=seed)
        report = auditing.auditing.audit_split(found)
        auditing.writing.write(found, out, form)
        write_text(out / REPORT, f"{report}\n")
    tell(report.to_markdown())
    if not report.clean:
        raise typer.Exit(1)


def _rules(speaker: str, text: str, session: str) -> dict[str, str]:
    return {role: pattern for role, pattern in (("speaker", speaker), ("text", text), ("session", session)) if pattern}
