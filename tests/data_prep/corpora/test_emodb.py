"""Tests of data_prep.corpora.emodb; those of the published files are skipped where the corpus is not at hand."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_prep.checksums import read_checksums
from data_prep.corpora import emodb
from data_prep.download import ArchiveError, DownloadError, TransferConfig
from ser_acrnn.data.corpus import CorpusError, Utterance

ROOT = Path(__file__).parents[3]
QUICK = TransferConfig(waits_seconds=(0.0,), timeout_seconds=5.0, progress=False)


@pytest.fixture(scope="module")
def corpus() -> Path:
    """The published corpus."""
    directory = Path(os.environ.get("EMODB") or ROOT.parent / "shared" / "emodb")
    if not (directory / "wav" / "03a01Fa.wav").is_file():
        pytest.skip(f"Emo-DB is not in {directory}; EMODB names the folder that holds wav/")
    return directory


@pytest.fixture
def unused_port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as bound:  # bound but not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which it is served."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def test_the_emotions_are_in_the_papers_order() -> None:
    assert emodb.EMOTIONS == ("angry", "sad", "happy", "neutral", "fear", "disgust", "bored")


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("03a01Fa", ("03", "a01", "happy", "a")),
        ("08a02Tb", ("08", "a02", "sad", "b")),
        ("09b03Ed", ("09", "b03", "disgust", "d")),
        ("10a07Ac", ("10", "a07", "fear", "c")),
        ("14a07Na", ("14", "a07", "neutral", "a")),
        ("16b10Wb", ("16", "b10", "angry", "b")),
        ("16b10Lf", ("16", "b10", "bored", "f")),
    ],
)
def test_parses_names(stem: str, expected: tuple[str, str, str, str]) -> None:
    assert emodb.parse_name(stem) == expected


@pytest.mark.parametrize(
    ("stem", "message"),
    [
        ("03a01Xa", "'03a01Xa': emotion 'X', expected one of W, T, F, N, A, E, L"),
        ("03a01fa", "'03a01fa': emotion 'f', expected one of W, T, F, N, A, E, L"),
        ("3aa01Fa", "'3aa01Fa': speaker '3a', expected two digits"),
        ("\u0663\u0663a01Fa", "speaker '\u0663\u0663', expected two digits"),
        ("03c01Fa", "text 'c01', expected a or b and two digits"),
        ("03a01F", "version '', expected one letter a-z"),
        ("03a01Fab", "version 'ab', expected one letter a-z"),
        ("03a01Fa\n", "version 'a\\n', expected one letter a-z"),
        ("03a01F1", "version '1', expected one letter a-z"),
        ("", "speaker '', expected two digits"),
    ],
)
def test_refuses_other_names_and_says_what_was_expected(stem: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        emodb.parse_name(stem)
    assert message in str(caught.value)


def test_lists_the_utterances_of_a_corpus_and_of_its_wav_folder(tmp_path: Path) -> None:
    wav = make(tmp_path / "wav", "16b10Lb.wav", "03a01Wa.wav", "08a01Fa.WAV", "._03a01Wa.wav", ".hidden.wav", "notes.txt")
    expected = [
        Utterance("03a01Wa", wav / "03a01Wa.wav", "03", "angry"),
        Utterance("08a01Fa", wav / "08a01Fa.WAV", "08", "happy"),
        Utterance("16b10Lb", wav / "16b10Lb.wav", "16", "bored"),
    ]
    assert emodb.utterances(tmp_path) == expected
    assert emodb.utterances(str(wav)) == expected


def test_reports_all_malformed_names_at_once(tmp_path: Path) -> None:
    make(tmp_path / "wav", "03a01Xa.wav", "03a01Wa.wav", "take 2.wav")
    with pytest.raises(CorpusError, match="2 malformed") as caught:
        emodb.utterances(tmp_path)
    assert "'03a01Xa'" in str(caught.value) and "'take 2'" in str(caught.value) and "03a01Wa" not in str(caught.value)


def test_the_same_recording_under_two_names_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "wav", "03a01Wa.wav", "03a01Wa.WAV")
    if len(list((tmp_path / "wav").iterdir())) == 1:
        pytest.skip("this file system does not tell upper case from lower")
    with pytest.raises(CorpusError, match="'03a01Wa' occurs twice"):
        emodb.utterances(tmp_path)


@pytest.mark.parametrize("read", [emodb.utterances, emodb.verify])
def test_no_corpus_says_how_to_get_one(tmp_path: Path, read: object) -> None:
    for directory, state in ((tmp_path, "holds no .wav file"), (tmp_path / "none", "is not a folder")):
        with pytest.raises(CorpusError) as caught:
            read(directory)  # type: ignore[operator]
        assert f"{directory} {state}" in str(caught.value)
        assert f"`python -m data_prep.corpora.emodb --download {directory}`" in str(caught.value)


def published() -> list[Utterance]:
    return [
        Utterance(f"{speaker}-{emotion}-{number}", Path("x.wav"), speaker, emotion)
        for speaker, counts in emodb.PUBLISHED_COUNTS.items()
        for emotion, count in zip(emodb.EMOTIONS, counts, strict=True)
        for number in range(count)
    ]


def test_the_published_table_adds_up() -> None:
    assert sum(sum(counts) for counts in emodb.PUBLISHED_COUNTS.values()) == 535
    assert {emotion: sum(column) for emotion, *column in zip(emodb.EMOTIONS, *emodb.PUBLISHED_COUNTS.values(), strict=True)} == {
        "angry": 127,
        "sad": 62,
        "happy": 71,
        "neutral": 79,
        "fear": 69,
        "disgust": 46,
        "bored": 81,
    }


def test_the_committed_list_and_the_table_are_of_the_same_corpus() -> None:
    checksums = read_checksums(emodb.CHECKSUMS)
    names = [emodb.parse_name(Path(name).stem) for name in checksums]
    listed = [Utterance(stem, Path(stem), name.speaker, name.emotion) for stem, name in zip(checksums, names, strict=True)]
    assert len(checksums) == len(set(checksums.values())) == 535
    assert emodb.published_differences(listed) == []


def test_differences_name_speaker_emotion_and_both_counts() -> None:
    utterances = [one for one in published() if one.id != "03-sad-0"]
    utterances += [
        Utterance("a", Path("a"), "08", "disgust"),
        Utterance("b", Path("b"), "99", "angry"),
        Utterance("c", Path("c"), "03", "calm"),
    ]
    assert emodb.published_differences(published()) == []
    assert emodb.published_differences(utterances) == [
        "speaker 03, sad: found 6, published 7",
        "speaker 03, calm: found 1, published 0",
        "speaker 08, disgust: found 1, published 0",
        "speaker 99, angry: found 1, published 0",
    ]


def test_verify_takes_a_list(tmp_path: Path) -> None:
    make(tmp_path / "wav", "03a01Wa.wav", "03a01Wb.wav")
    checksums = {"03a01Wa.wav": hashlib.sha256(b"03a01Wa.wav").hexdigest(), "03a01Na.wav": "0" * 64}
    for directory in (tmp_path, tmp_path / "wav"):
        result = emodb.verify(directory, checksums)
        assert (result.matching, result.missing, result.unexpected) == (("03a01Wa.wav",), ("03a01Na.wav",), ("03a01Wb.wav",))


def test_download_puts_the_recordings_where_they_are_read(tmp_path: Path, served: tuple[Path, str]) -> None:
    site, url = served
    checksums = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("03a01Wa.wav", "08a01Fa.wav")}
    with zipfile.ZipFile(site / "download.zip", "w") as archive:
        for name in checksums:
            archive.writestr(f"wav/{name}", name)
    assert emodb.download(tmp_path / "new", f"{url}/download.zip", checksums, QUICK).clean
    assert [one.path for one in emodb.utterances(tmp_path / "new")] == [tmp_path / "new" / "wav" / name for name in checksums]
    # The folder with the recordings itself is completed in place.
    (tmp_path / "new" / "wav" / "03a01Wa.wav").unlink()
    assert emodb.download(tmp_path / "new" / "wav", f"{url}/download.zip", checksums, QUICK).clean
    assert sorted(path.name for path in (tmp_path / "new").rglob("*")) == ["03a01Wa.wav", "08a01Fa.wav", "wav"]


def test_a_refused_archive_is_not_mistaken_for_an_unreachable_site(tmp_path: Path, served: tuple[Path, str]) -> None:
    site, url = served
    (site / "download.zip").write_bytes(b"<html>")
    with pytest.raises(ArchiveError) as caught:
        emodb.download(tmp_path / "new", f"{url}/download.zip", config=QUICK)
    assert "browser" not in str(caught.value)


def test_an_unreachable_site_says_what_to_do(tmp_path: Path, unused_port: int) -> None:
    url = f"http://127.0.0.1:{unused_port}/download.zip"
    with pytest.raises(DownloadError) as caught:
        emodb.download(tmp_path, url, config=QUICK)
    for part in (url, "refused", "--url", "browser", f"{tmp_path}/wav/*.wav", f"--verify {tmp_path}", f"EMODB={tmp_path}"):
        assert part in str(caught.value)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emodb, "TRANSFER", QUICK)


def test_the_command_reports_errors_in_one_line(quick: None, tmp_path: Path, unused_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{unused_port}/download.zip"
    assert emodb.main(["--download", str(tmp_path), "--url", url]) == 1
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and url in errors[0] and "EMODB=" in errors[0]
    assert captured.out == ""


def test_the_command_survives_a_folder_it_cannot_make(quick: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert emodb.main(["--download", str(tmp_path / "file")]) == 1
    assert "error: " in capsys.readouterr().err


def test_an_interrupted_command_says_that_it_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(emodb, "install", interrupt)
    assert emodb.main(["--download", str(tmp_path)]) == 130
    assert "the same command continues" in capsys.readouterr().err


def test_the_command_names_the_files_that_are_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "wav", "03a01Wa.wav", "03a01Zz.wav")
    assert emodb.main(["--verify", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert "differing 03a01Wa.wav" in lines and "unexpected 03a01Zz.wav" in lines
    assert sum(line.startswith("missing ") for line in lines) == 534
    assert "0 match, 534 missing" in captured.err


@pytest.mark.parametrize("words", [[], ["--download", "a", "--verify", "b"]])
def test_the_command_either_downloads_or_verifies(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert emodb.main(words) == 2
    assert capsys.readouterr().err == "expected either --download DIR or --verify DIR\n"


def test_runs_as_a_module(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "data_prep.corpora.emodb", "--verify", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: emodb: {tmp_path} holds no .wav file") and len(result.stderr.splitlines()) == 1


def test_the_published_corpus_has_the_published_counts(corpus: Path) -> None:
    utterances = emodb.utterances(corpus)
    assert len(utterances) == 535
    assert emodb.published_differences(utterances) == []
    assert len({one.speaker for one in utterances}) == 10


def test_the_published_corpus_has_the_committed_checksums(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert emodb.main(["--verify", str(corpus)]) == 0
    assert "535 match" in capsys.readouterr().out


def test_the_command_downloads_the_published_corpus(
    corpus: Path, tmp_path: Path, served: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    site, url = served
    with zipfile.ZipFile(site / "download.zip", "w") as archive:
        for path in sorted((corpus / "wav").glob("[01]*.wav")):
            archive.write(path, f"wav/{path.name}")
    command = ["--download", str(tmp_path / "new"), "--url", f"{url}/download.zip"]
    assert emodb.main(command) == 0
    assert "535 match" in capsys.readouterr().out
    (site / "download.zip").unlink()
    assert emodb.main(command) == 0  # complete: the server, which has the archive no more, is not asked
    (tmp_path / "new" / "wav" / "03a01Fa.wav").write_bytes(b"RIFF")
    assert emodb.main(command) == 1
    assert "404" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "new")


@pytest.mark.parametrize("place", [".", "wav"])
def test_generated_audio_is_not_taken_for_the_corpus(tmp_path: Path, small_corpus: Path, place: str) -> None:
    shutil.copytree(small_corpus, tmp_path / "corpus")
    emodb.read(tmp_path / "corpus")
    (tmp_path / "corpus" / place / "SYNTHETIC.txt").write_text("generated")
    with pytest.raises(CorpusError, match=r"SYNTHETIC\.txt says that this audio is generated, expected Emo-DB; prepare it as 'synthetic'"):
        emodb.read(tmp_path / "corpus")
