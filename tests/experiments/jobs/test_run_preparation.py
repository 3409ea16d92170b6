"""The command that prepares a corpus in pieces: what data_prep.prepare makes, each piece once, and every failure named."""

import os
import shutil

import pytest

from data_prep import command, prepare
from experiments.jobs import executors, run_piece, run_preparation
from ser_acrnn.locks import lock


@pytest.fixture
def source(small_corpus, tmp_path):
    """The small corpus's recordings, three speakers of six."""
    shutil.copytree(small_corpus.parents[1] / "wav", tmp_path / "source" / "wav")
    return tmp_path / "source"


@pytest.fixture
def words(source, tmp_path):
    """What is typed, with whatever follows."""

    def typed(*more):
        paths = ["--source", source, "--data", tmp_path / "data", "--recipe", "paper,mfcc-pitch", "--work", tmp_path / "work"]
        return ["emodb", *map(str, [*paths, *more])]

    return typed


@pytest.fixture
def children(monkeypatch):
    """Runs each child in this process; keeps those that were asked for."""
    kept = []

    def run(job, jobs):
        kept.append(job)
        return "" if run_piece.main(job.command[3:]) == 0 else "failed"

    monkeypatch.setattr(executors, "run_child", run)
    return kept


def contents(data):
    """Every file of the prepared corpora, by corpus."""
    links = sorted(path for path in data.iterdir() if path.is_symlink())
    return {link.name: {path.name: path.read_bytes() for path in link.iterdir()} for link in links}


def whole(source, data, *more):
    recipes = ["--recipe", "paper,mfcc-pitch"]
    assert prepare.main(["emodb", "--source", str(source), "--data", str(data), "--jobs", "1", *recipes, *more]) == 0
    return contents(data)


def test_two_processes_make_what_one_makes(source, words, tmp_path, capsys):
    assert run_preparation.main(words("--jobs", 2, "--recipe", "paper")) == 0
    printed = capsys.readouterr()
    assert "2 pieces to do" in printed.err and "2/2 pieces" in printed.err
    assert printed.out.count("18 utterances of 3 speakers") == 1
    assert contents(tmp_path / "data") == whole(source, tmp_path / "whole", "--recipe", "paper")


def test_each_piece_is_told_its_list(words, tmp_path, children):
    assert run_preparation.main(words("--pieces", 3, "--jobs", 2)) == 0
    assert len(children) == 6
    for job in children:
        told = command.bound(run_piece.run, job.arguments).keywords
        piece = told.pop("piece")
        assert told == {"threads": 1, "work": tmp_path / "work", "wait": False}
        assert job.output == piece.with_suffix(".outcome.json")
    assert {job.name.split()[0] for job in children} == {"paper", "mfcc-pitch"}
    assert not list((tmp_path / "data").glob(".*.pieces"))


def test_unusable_recordings_of_all_pieces_are_named_and_skipped_when_told(source, words, tmp_path, children, capsys):
    for name in ("03a01Wa", "09a02Ta"):
        (source / "wav" / f"{name}.wav").write_bytes(b"")
    assert run_preparation.main(words("--pieces", 3)) == 1
    error = capsys.readouterr().err
    assert "2 unusable recording(s)" in error and all(f"{name}.wav: the file is empty" in error for name in ("03a01Wa", "09a02Ta"))
    assert not any(path.is_symlink() for path in (tmp_path / "data").iterdir())
    children.clear()
    assert run_preparation.main(words("--pieces", 3)) == 1 and not children  # what is wrong is known
    assert run_preparation.main(words("--pieces", 3, "--skip-bad")) == 0
    assert contents(tmp_path / "data") == whole(source, tmp_path / "whole", "--skip-bad")


def test_a_piece_that_fails_is_named_and_done_alone_by_the_next_call(source, words, tmp_path, children, capsys, monkeypatch):
    prepare_piece = run_piece.prepare_piece

    def fail_once(file, threads):
        if '"speaker": "08"' in file.read_text():
            raise ValueError("no space")
        prepare_piece(file, threads)

    with monkeypatch.context() as patch:
        patch.setattr(run_piece, "prepare_piece", fail_once)
        assert run_preparation.main(words("--pieces", 3)) == 1
    failed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("failed: ")]
    assert len(children) == 6 and len(failed) == 2 and all("outcome.json: failed" in line for line in failed)
    children.clear()
    assert run_preparation.main(words("--pieces", 3)) == 0
    assert len(children) == 2 and "2 pieces to do" in capsys.readouterr().err
    assert contents(tmp_path / "data") == whole(source, tmp_path / "whole")


def test_a_second_command_at_once_is_refused(words, tmp_path, children, capsys):
    with lock(tmp_path / "work" / "emodb.pieces.lock"):
        assert run_preparation.main(words()) == os.EX_TEMPFAIL
    assert f"emodb.pieces.lock: is held by process {os.getpid()} on " in capsys.readouterr().err
    assert not children and not (tmp_path / "data").exists()


def test_a_piece_is_left_to_who_has_it_and_skipped_when_it_is_there(words, tmp_path, children, capsys):
    assert run_preparation.main(words("--pieces", 1, "--recipe", "paper")) == 0
    (job,) = children
    with lock(job.lock):
        assert run_piece.main(job.command[3:]) == os.EX_TEMPFAIL
    job.output.parent.mkdir()
    job.output.write_text("{}")
    capsys.readouterr()
    assert run_piece.main(job.command[3:]) == 0
    assert capsys.readouterr().out == f"{job.output}: already there\n"


@pytest.mark.parametrize(("flags", "threads"), [(("--cpus", 3), 3), ((), 1)])
def test_on_slurm_a_piece_has_as_many_threads_as_its_job_has_processors(words, monkeypatch, flags, threads):
    jobs, prepared = [], []
    monkeypatch.setattr(executors, "compute", lambda every, *rest: jobs.extend(every) or 0)
    monkeypatch.setattr(run_piece, "prepare_piece", lambda *arguments: prepared.append(arguments))
    assert run_preparation.main(words("--executor", "slurm", "--detach", "--pieces", 2, *flags)) == 0
    assert [run_piece.main(job.command[3:]) for job in jobs] == [0] * 4
    assert [number for _, number in prepared] == [threads] * 4


@pytest.mark.parametrize("flag", ["--partition cpu", "--cpus 2", "--detach", "--pieces 0"])
def test_what_cannot_be_meant_ends_in_one_line(words, tmp_path, children, capsys, flag):
    assert run_preparation.main(words(*flag.split())) == 2
    error = capsys.readouterr().err
    assert flag.split()[0] in error and error.count("\n") == 1
    assert not children and not (tmp_path / "data").exists()


@pytest.mark.parametrize(("more", "word"), [(["--source", "none"], "none"), (["--recipe", "none"], "--recipe is none")])
def test_a_wrong_source_or_recipe_is_named(words, children, capsys, more, word):
    try:
        code = run_preparation.main(words(*more))
    except SystemExit as stop:
        code = stop.code
    assert code in (1, 2) and word in capsys.readouterr().err.splitlines()[-1]
