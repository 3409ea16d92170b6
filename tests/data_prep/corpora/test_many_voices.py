"""Tests of data_prep.corpora.crema_d, banglaser and nemo: their names and counts, what they leave out, and what they refuse."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from data_prep import loader
from data_prep.checksums import read_checksums
from data_prep.corpora import banglaser, crema_d, emodb, nemo, ravdess
from data_prep.download import DownloadError
from data_prep.synthetic import look_alikes
from data_prep.synthetic.look_alikes import LOOK_ALIKES, write_look_alike
from experiments import catalogue
from ser_acrnn.data.corpus import CorpusError


def put(folder: Path, *names: str, content: bytes = b"") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)
    return [folder / name for name in names]


def refusal(module, source: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        module.read(source)
    return str(caught.value)


def test_crema_d_has_the_published_names_and_leaves_out_what_is_unusable(tmp_path: Path) -> None:
    put(tmp_path / "AudioWAV", *read_checksums(crema_d.CHECKSUMS))
    reading = crema_d.read(tmp_path)
    assert reading == crema_d.read(tmp_path / "AudioWAV") and reading.name == "crema_d" and reading.differences == []
    assert Counter(one.emotion for one in reading.utterances) == {
        "angry": 1266, "sad": 1269, "happy": 1269, "neutral": 1086, "fear": 1268, "disgust": 1268,
    }  # fmt: skip
    assert len({one.speaker for one in reading.utterances}) == 91
    assert {one["utterance"]: one["reason"] for one in reading.left_out} == crema_d.UNUSABLE
    assert reading.about["left_out"] == {"holds no audio, as its authors say": 1, "the same audio stands under two emotions": 15}
    (tmp_path / "AudioWAV" / "1091_WSI_DIS_XX.wav").unlink()
    assert crema_d.read(tmp_path).differences == ["speaker 1091, disgust: found 13, published 14"]


def test_crema_ds_groups_of_speakers_are_disjoint_and_of_both_sexes() -> None:
    assert len(crema_d.SPEAKERS) == 91 and Counter(one.sex for one in crema_d.SPEAKERS.values()) == {"male": 48, "female": 43}
    groups = crema_d.CORPUS.groups
    assert groups is not None and set(groups) == set(crema_d.SPEAKERS) and len(set(groups.values())) == 10
    for group in set(groups.values()):
        sexes = Counter(crema_d.SPEAKERS[speaker].sex for speaker in groups if groups[speaker] == group)
        assert min(sexes.values()) >= 4 and sum(sexes.values()) in (9, 10), group


def test_a_pointer_of_git_lfs_is_no_recording(tmp_path: Path) -> None:
    put(tmp_path / "AudioWAV", "1001_DFA_ANG_XX.wav", content=b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    assert "1 file(s)" in (message := refusal(crema_d, tmp_path)) and "pointers of Git LFS, such as 1001_DFA_ANG_XX.wav" in message


def test_votes_are_those_of_who_only_heard(tmp_path: Path) -> None:
    path = tmp_path / crema_d.VOTES
    path.parent.mkdir()
    path.write_text(
        '"","A","D","F","H","N","S","fileName"\n"100001",0,1,2,3,4,5,"1001_IEO_NEU_XX"\n"200001",9,9,9,9,9,9,"1001_IEO_NEU_XX"\n'
    )
    counts = {"angry": 0, "sad": 5, "happy": 3, "neutral": 4, "fear": 2, "disgust": 1}
    assert crema_d.votes(tmp_path) == {"1001_IEO_NEU_XX": counts}
    for text, complaint in (
        ('"","A","fileName"\n"100001",0,"x"\n', "cannot be read as the listeners' votes (KeyError"),
        ('"","A","D","F","H","N","S","fileName"\n"200001",9,9,9,9,9,9,"x"\n', "holds no votes of listeners who only heard"),
    ):
        path.write_text(text)
        with pytest.raises(CorpusError, match=r"tabulatedVotes\.csv") as caught:
            crema_d.votes(tmp_path)
        assert complaint in str(caught.value)
    with pytest.raises(CorpusError, match=r"cannot be read .*No such file"):
        crema_d.votes(tmp_path / "elsewhere")


def test_crema_d_is_verified_and_fetched_file_by_file(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    put(tmp_path / "AudioWAV", "1001_DFA_ANG_XX.wav", "1001_DFA_DIS_XX.wav", content=b"a")
    sums = {name: hashlib.sha256(text).hexdigest() for name, text in (("1001_DFA_ANG_XX.wav", b"a"), ("1001_DFA_DIS_XX.wav", b"b"))}
    found = crema_d.verify(tmp_path, sums)
    assert (found.matching, found.differing) == (("1001_DFA_ANG_XX.wav",), ("1001_DFA_DIS_XX.wav",))
    assert crema_d.download(tmp_path, "http://127.0.0.1:9/", {"1001_DFA_ANG_XX.wav": sums["1001_DFA_ANG_XX.wav"]}).clean is False
    assert crema_d.main(["--verify", str(tmp_path)]) == 1
    assert "is not the published CREMA-D: 0 match, 7440 missing" in capsys.readouterr().err
    assert crema_d.main(["--verify", str(tmp_path / "none")]) == 1 and "git lfs clone" in capsys.readouterr().err


def test_a_recording_that_cannot_be_fetched_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: object) -> None:
        raise DownloadError("cannot fetch http://x/a.wav: 404")

    monkeypatch.setattr(crema_d, "fetch_each", refuse)
    with pytest.raises(DownloadError, match=r"404\. Run the command again later; or `git lfs clone"):
        crema_d.download(tmp_path)


def test_banglaser_has_the_published_counts(tmp_path: Path) -> None:
    names = [
        f"{'01' if (speaker, number) == ('15', 4) else '03'}-01-{number:02}-{intensity}-{sentence:02}-{repetition:02}-{speaker}.wav"
        for speaker in banglaser.SPEAKERS
        for number, emotion in enumerate(banglaser.EMOTION_OF_NUMBER.values(), start=1)
        if emotion != "neutral" or speaker not in banglaser.WITHOUT_NEUTRAL
        for intensity in ["02" if emotion in ("angry", "surprise") else "01"]
        for sentence in (1, 2, 3)
        for repetition in (1, 2, 3)
    ]
    put(tmp_path / "dataset", *names, "._03-01-01-01-01-01-01.wav")
    (tmp_path / "dataset" / names[1]).rename(tmp_path / "dataset" / names[1].upper())
    reading = banglaser.read(tmp_path)
    assert len(reading.utterances) == 1447 and reading.differences == [] and reading.name == "banglaser"
    assert {one["utterance"] for one in reading.left_out} == set(banglaser.UNUSABLE) and len(reading.left_out) == 20
    assert Counter(name[-2:] for name in banglaser.UNUSABLE) == {"19": 10, "13": 9, "16": 1}
    (tmp_path / "dataset" / "03-01-05-01-01-01-19.wav").unlink()
    assert banglaser.read(tmp_path).differences == ["speaker 19, neutral: found 8, published 9"]
    groups = banglaser.GROUP_OF_SPEAKER
    for group in set(groups.values()):
        assert any(speaker not in banglaser.WITHOUT_NEUTRAL for speaker in groups if groups[speaker] == group), group


def test_nemo_has_the_published_counts(tmp_path: Path) -> None:
    names = [
        f"{speaker}_{word}_{sentence}.wav"
        for speaker, counts in nemo.PUBLISHED_COUNTS.items()
        for word, count in zip(nemo.EMOTION_OF_WORD, counts, strict=True)
        for sentence in range(1, count + 1)
    ]
    put(tmp_path / "samples", *names)
    reading = nemo.read(tmp_path)
    assert len(reading.utterances) == 4481 and reading.differences == [] and reading.left_out == ()


@pytest.mark.parametrize(
    ("module", "name", "complaint"),
    [
        (crema_d, "1092_DFA_ANG_XX", "speaker '1092', expected 1001 to 1091"),
        (crema_d, "1001_DFA_SUR_XX", "emotion 'SUR', expected one of ANG, SAD, HAP, NEU, FEA, DIS"),
        (crema_d, "1001_DFA_ANG", "has 3 part(s), expected 4: <speaker>_<sentence>_<emotion>_<intensity>"),
        (banglaser, "03-01-06-01-01-01-01", "emotion '06', expected 01 to 05"),
        (banglaser, "02-01-01-01-01-01-35", "mode '02', expected 01 or 03, speaker '35', expected 01 to 34"),
        (banglaser, "take", "has 1 part(s), expected 7"),
        (nemo, "EB0_anger_91", "sentence '91', expected 1 to 90"),
        (nemo, "XX0_rage_1", "speaker 'XX0', expected one of EB0"),
        (nemo, "EB0_anger", "has 2 part(s), expected 3"),
    ],
)
def test_misnamed_recordings_are_refused(module, name: str, complaint: str, tmp_path: Path) -> None:
    put(tmp_path, f"{name}.wav")
    message = refusal(module, tmp_path)
    assert repr(name) in message and complaint in message


@pytest.mark.parametrize("module", [crema_d, banglaser, nemo])
def test_no_recording_says_where_to_get_them(module, tmp_path: Path) -> None:
    message = refusal(module, tmp_path)
    assert "no .wav file in" in message and "https://" in message


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_look_alike_is_read_as_the_release_is_and_says_that_it_is_generated(name: str, tmp_path: Path) -> None:
    paths = write_look_alike(name, tmp_path / "a", speakers=2)
    reading = loader.find(name).read(tmp_path / "a")
    assert sorted(one.path for one in reading.utterances) == paths and len(paths) == 2 * len(LOOK_ALIKES[name].corpus.emotions)
    assert reading.name == f"{name}-synthetic" and catalogue.corpus(reading.name).caveat == loader.GENERATED
    again = write_look_alike(name, tmp_path / "b", speakers=1)
    assert [path.read_bytes() for path in again] == [(tmp_path / "a" / path.relative_to(tmp_path / "b")).read_bytes() for path in again]


def test_a_release_that_is_not_ours_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    [path] = put(tmp_path / "samples", "EB0_anger_1.wav", content=b"a recording")
    with pytest.raises(FileExistsError, match="expected an empty folder or a look-alike"):
        write_look_alike("nemo", tmp_path, speakers=1)
    assert path.read_bytes() == b"a recording"
    assert look_alikes.main(["emodb", str(tmp_path)]) == 1
    assert "no look-alike is made of 'emodb', expected one of crema_d, banglaser, nemo" in capsys.readouterr().err


def test_every_published_corpus_tells_sex_and_licence() -> None:
    for module, utterance, details in (
        (emodb, "08a01Fa", {"sex": "female", "age": "34"}),
        (ravdess, "03-01-06-02-02-01-12", {"sex": "female", "intensity": "strong"}),
        (crema_d, "1001_IEO_ANG_HI", {"sex": "male", "age": "51", "intensity": "high"}),
        (banglaser, "03-01-04-02-03-01-15", {"sex": "male"}),
        (nemo, "EB0_anger_1", {"sex": "female", "age": "27"}),
    ):
        assert module.CORPUS.details is not None and dict(module.CORPUS.details(utterance)) == details
        assert module.CORPUS.licence
    assert {name for name in loader.names() if loader.find(name).CORPUS.is_open} == {"emodb", "crema_d", "banglaser", "synthetic"}
