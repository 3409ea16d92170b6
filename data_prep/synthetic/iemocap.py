"""A look-alike of IEMOCAP's full release: its folders, names, label files and counts, with synthetic voices in place of the actors.

    python -m data_prep.synthetic.iemocap DIR [--scale 0.05] [--seed 0] [--workers N] [--wav-for wanted|all|none]

It is read by `data_prep.corpora.iemocap` as the release is, and has what trips a careless loader; its turns are `iemocap_turns`'s.
It shows that the code works from the file to the report; a result on it says nothing about recognising emotions in recordings.
"""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import soundfile
import typer
from numpy.typing import NDArray

from data_prep import command
from data_prep.corpora.iemocap import EMOTION_OF_CODE, LABELS, PUBLISHED_COUNTS, RECORDINGS, RELEASE_FOLDER, SESSIONS
from data_prep.synthetic.emodb import MARKER, TEXTS, VOICES, Generated
from data_prep.synthetic.iemocap_turns import FRAME_SECONDS, SCALE, SYNTHESIS, TURNS, Turn, dialog_names, generator, plan
from data_prep.synthetic.phones import parse_transcription
from data_prep.synthetic.style import STYLES, Style, Voice
from data_prep.synthetic.voice import synthesise
from ser_acrnn import files

WavFor = Literal["wanted", "all", "none"]
WAV_FOR = get_args(WavFor)

VOICE_OF_SPEAKER = dict(zip(PUBLISHED_COUNTS, ("08", "03", "09", "10", "13", "11", "14", "12", "16", "15"), strict=True))
# Seven styles for eleven codes: excited speaks as happy, which it may be merged with; what only has to be left out shares the rest.
STYLE_OF_CODE = EMOTION_OF_CODE | {
    "exc": "happy", "fru": "disgust", "dis": "disgust", "fea": "fear", "sur": "fear", "xxx": "bored", "oth": "bored",
}  # fmt: skip
RATERS_WORD = {
    "ang": "Anger", "sad": "Sadness", "hap": "Happiness", "neu": "Neutral state", "exc": "Excited", "fru": "Frustration",
    "sur": "Surprise", "fea": "Fear", "dis": "Disgust", "oth": "Other", "xxx": "Other",
}  # fmt: skip
RATERS_FOLDERS = {"Categorical": "e2_cat", "Attribute": "e3_atr", "Self-evaluation": "f_cat"}
OTHER_FOLDERS = (
    "dialog/avi/DivX", "dialog/lab", "dialog/MOCAP_hand", "dialog/MOCAP_head", "dialog/MOCAP_rotated", "dialog/transcriptions",
    "dialog/wav", "sentences/MOCAP_hand", "sentences/MOCAP_head", "sentences/MOCAP_rotated",
)  # fmt: skip
APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ".ljust(120, b"\x00")


def speak(turn: Turn, seed: int = 0) -> NDArray[np.float32]:
    """Speaks a turn; the same arguments give the same samples, whatever else is generated.

    Returns:
        float32 waveform `(samples,)` at 16 kHz, as long as the turn, exactly representable in 16 bits.
    """
    rng = generator(seed, turn.name)
    voice, style = VOICES[VOICE_OF_SPEAKER[turn.session + turn.letter]], STYLES[STYLE_OF_CODE[turn.code]]
    words = _words(turn.seconds - 2 * TURNS.edge_seconds, voice, style, rng)
    pauses = 1 + len(words) // TURNS.words_a_pause
    seconds = turn.seconds + FRAME_SECONDS / 2  # half a frame more, so that no rounding loses the last
    config = replace(
        SYNTHESIS,
        shortest_seconds=seconds - 2 * TURNS.edge_seconds,
        longest_seconds=seconds,
        edge_seconds=(TURNS.edge_seconds, TURNS.edge_seconds),
        pauses=(pauses, 3 * pauses),
    )
    return synthesise(voice, style, " ".join(words), rng, config=config)


def _words(seconds: float, voice: Voice, style: Style, rng: np.random.Generator) -> list[str]:
    """Returns about as many words as the voice speaks in that time in that style: stretching any number would hide the style's rate."""
    sounds = seconds * voice.rate * 2**style.rate_octaves * (1 - style.pause_share) / TURNS.sound_seconds
    chosen: list[str] = []
    for word in itertools.chain.from_iterable(TEXTS[str(text)].split() for text in itertools.cycle(rng.permutation(sorted(TEXTS)))):
        length = len(parse_transcription(word))
        if chosen and length / 2 > sounds:
            break
        chosen.append(word)
        sounds -= length
    return chosen


def write_iemocap_like(directory: str | Path, scale: float = SCALE, seed: int = 0, workers: int = 1, wav_for: str = "wanted") -> list[Path]:
    """Writes a look-alike as `<directory>/IEMOCAP_full_release`, its recordings at 16 kHz, mono, PCM 16-bit.

    The same arguments give the same bytes. A look-alike that was written there before is replaced.

    Args:
        directory: Where to; created.
        scale: Share of the published numbers of turns, see `plan`.
        seed: Seed of the corpus, 0 or more.
        workers: Processes to share the work; 1 stays in this one.
        wav_for: Which turns are spoken: `wanted`, those of the paper's selection, `all` or `none`. The others are a short tone.

    Returns:
        The recordings, sorted.

    Raises:
        FileExistsError: The folder holds a release that is not ours.
        ValueError: An unknown value of `wav_for`, or a scale out of range.
    """
    if wav_for not in WAV_FOR:
        raise ValueError(f"wav_for is {wav_for!r}, expected one of {', '.join(WAV_FOR)}")
    turns, release = plan(scale, seed), Path(directory) / RELEASE_FOLDER
    if release.is_dir() and any(release.iterdir()) and not (release / MARKER).is_file():
        raise FileExistsError(f"{release} holds files but {release / MARKER} does not exist, expected an empty folder or a look-alike")
    if release.is_dir():
        shutil.rmtree(release)
    release.mkdir(parents=True)
    arguments = f"scale {scale}, seed {seed}, {wav_for} spoken"
    _write_text(release / MARKER, f"Synthetic audio made by `python -m data_prep.synthetic.iemocap`: {arguments}. May be written over.\n")
    tone = release / "tone.wav"
    time = np.arange(round(TURNS.tone_seconds * SYNTHESIS.sample_rate_hertz)) / SYNTHESIS.sample_rate_hertz
    _write(tone, (np.round(3277 * np.sin(2 * np.pi * TURNS.tone_hertz * time)) / 32768).astype(np.float32))
    for session in SESSIONS:
        for folder in (*map(Path, OTHER_FOLDERS), *(LABELS / name for name in RATERS_FOLDERS)):
            (release / f"Session{session}" / folder).mkdir(parents=True)
    turns_of: dict[str, list[Turn]] = {name: [] for name in dialog_names()}
    for turn in turns:
        turns_of[turn.dialog].append(turn)
    for dialog, own in turns_of.items():
        _write_dialog(release / f"Session{dialog[4]}", dialog, own, tone)
    paths = {turn: _recording(release, turn) for turn in turns}
    spoken = [turn for turn in turns if wav_for == "all" or (wav_for == "wanted" and turn.is_wanted)]
    for turn in paths.keys() - spoken:
        _link(tone, paths[turn])
    if workers > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(_record, [paths[turn] for turn in spoken], spoken, [seed] * len(spoken), chunksize=8))
    else:
        for turn in spoken:
            _record(paths[turn], turn, seed)
    return sorted(paths.values())


def _write_dialog(session: Path, dialog: str, turns: Sequence[Turn], tone: Path) -> None:
    """Writes all of a dialog but the turns' recordings."""
    labels, recordings, alignments = session / LABELS, session / RECORDINGS / dialog, session / "sentences" / "ForcedAlignment" / dialog
    for folder in (recordings, alignments):
        folder.mkdir(parents=True)
    rng = generator(0, f"raters {dialog}")
    header = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    _write_text(labels / f"{dialog}.txt", header + "".join(_block(turn, rng) for turn in turns))
    # A single rater's word on each turn, in lines that would pass for labels.
    lines = [_label(turn._replace(code="hap" if turn.code != "hap" else "ang"), (3.0, 3.0, 3.0)) for turn in turns]
    for folder_name, rater in RATERS_FOLDERS.items():
        _write_text(labels / folder_name / f"{dialog}_{rater}.txt", "".join(lines))
    lines = [f"{turn.name} [{turn.start:08.4f}-{turn.start + turn.seconds:08.4f}]: synthetic speech\n" for turn in turns]
    _write_text(
        session / "dialog" / "transcriptions" / f"{dialog}.txt", "".join(lines) + f"{dialog}_MXX0 [001.0000-002.0000]: synthetic speech\n"
    )
    _link(tone, session / "dialog" / "wav" / f"{dialog}.wav")
    if not all(turn.is_aligned for turn in turns):  # only there do the files say something
        for turn in turns:
            if turn.is_aligned:
                (alignments / f"{turn.name}.wdseg").touch()
    for twin in (labels / f"._{dialog}.txt", recordings / f"._{turns[0].name if turns else dialog}.wav"):
        twin.write_bytes(APPLE_DOUBLE)


def _label(turn: Turn, means: Iterable[float]) -> str:
    valence_activation_dominance = ", ".join(f"{mean:.4f}" for mean in means)
    return f"[{turn.start:.4f} - {turn.start + turn.seconds:.4f}]\t{turn.name}\t{turn.code}\t[{valence_activation_dominance}]\n"


def _block(turn: Turn, rng: np.random.Generator) -> str:
    """Returns a turn's lines: its label, three raters' words, two raters' marks, a blank line."""
    words = rng.choice(sorted(set(RATERS_WORD.values())), 3, replace=False) if turn.code == "xxx" else [RATERS_WORD[turn.code]] * 3
    marks = rng.integers(1, 6, (2, 3))
    lines = [f"C-E{rater}:\t{word};\t()\n" for rater, word in enumerate(words, start=2)]
    lines += [f"A-E{rater}:\tval {v}; act {a}; dom  {d};\t()\n" for rater, (v, a, d) in enumerate(marks, start=3)]
    return _label(turn, marks.mean(axis=0)) + "".join(lines) + "\n"


def _recording(release: Path, turn: Turn) -> Path:
    return release / f"Session{turn.session}" / RECORDINGS / turn.dialog / f"{turn.name}.wav"


def _record(path: Path, turn: Turn, seed: int) -> None:
    _write(path, speak(turn, seed))


def _write(path: Path, waveform: NDArray[np.float32]) -> None:
    """Writes a recording, whole or not at all."""
    with files.replacing(path) as partial:
        soundfile.write(partial, np.round(waveform * 32768).astype(np.int16), SYNTHESIS.sample_rate_hertz, subtype="PCM_16", format="WAV")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="ascii", newline="\n")


def _link(source: Path, target: Path) -> None:
    """Gives a file a second name, or copies it where the file system cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@command.entry
def main(
    options: Generated,
    scale: Annotated[float, typer.Option(min=0.001, max=1, help="share of the published numbers of turns, up to 1")] = SCALE,
    wav_for: Annotated[WavFor, typer.Option(help="turns that are spoken; others are a tone")] = "wanted",
) -> None:
    """Writes the look-alike."""
    paths = write_iemocap_like(options.directory, scale, options.seed, options.workers, wav_for)
    print(f"{len(paths)} synthetic turns of {len(VOICE_OF_SPEAKER)} speakers in {options.directory / RELEASE_FOLDER}")


if __name__ == "__main__":
    sys.exit(main())
