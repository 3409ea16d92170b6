"""What SLURM is told and how its answers are read, with commands in its place; tests/slurm has the real one."""

import os
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from experiments.grid import run_grid, runs
from experiments.jobs import slurm
from experiments.jobs.slurm import watch

pytest.importorskip("submitit")

SBATCH = """#!/bin/sh
number=$((7 + $(ls {folder} | grep -c sh$)))
cp "$1" {folder}/$number.sh
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$1")
for task in $(seq 0 $last); do
    echo "${{number}}_$task|PENDING|None" >> {folder}/queue
done
echo "Submitted batch job $number"
"""
SQUEUE = """#!/bin/sh
cat {folder}/queue
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A folder with the batch scripts that were submitted, and `queue`, which squeue answers."""
    folder, commands = tmp_path / "fake", tmp_path / "bin"
    folder.mkdir()
    commands.mkdir()
    (folder / "queue").write_text("")
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("srun", "#!/bin/sh\n")):
        (commands / name).write_text(text.format(folder=folder))
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "POLL_SECONDS", (0.01, 0.01))
    monkeypatch.setattr(slurm, "GRACE_SECONDS", 0.05)
    return folder


@pytest.fixture
def grid(small_corpus, tmp_path, capsys):
    """A function that runs the grid's command, and returns its exit code and what it said."""

    def run(*more):
        words = ["--prepared", small_corpus, "--results", tmp_path / "results", "--work", tmp_path / "work", "--system", "tiny"]
        code = run_grid.main([str(word) for word in [*words, "--executor", "slurm", *more]])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def script(fake, number):
    return (fake / f"{number}.sh").read_text().splitlines()


def test_one_array_job_is_submitted_with_what_was_asked_for(fake, grid, small_corpus, tmp_path):
    asked = ("--partition", "gpu", "--gpus", 2, "--cpus", 3, "--memory", 1.5, "--hours", 0.5, "--jobs", 2)
    code, out, err = grid("--seeds", "0-1", *asked, "--epochs", 3, "--detach")
    assert (code, err) == (0, "") and "6 of 6 runs are in the queue, as job 7;" in out
    lines = script(fake, 7)
    expected = {"array=0-5%2", "partition=gpu", "gpus-per-node=2", "cpus-per-task=3", "mem=1536M", "time=30", "requeue", "signal=USR2@90"}
    assert {f"#SBATCH --{each}" for each in expected} <= set(lines)
    assert {f'export {name}="${{{name}:-3}}"' for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")} <= set(lines)
    cache = tmp_path / "work" / "slurm" / "jax-cache"
    assert f'export JAX_COMPILATION_CACHE_DIR="${{JAX_COMPILATION_CACHE_DIR:-{cache}}}"' in lines
    assert any(line.startswith("srun ") and "--cpus-per-task 3" in line for line in lines)
    paths = ["--prepared", str(small_corpus), "--results", str(tmp_path / "results"), "--work", str(tmp_path / "work")]
    submitted = pickle.loads((tmp_path / "work" / "slurm" / "7_4_submitted.pkl").read_bytes())
    words = submitted.function.arguments
    assert submitted.function.module == "experiments.grid.run_one"
    pairs = set(zip(words[::2], words[1::2], strict=False))
    expected = ["--system", "tiny", "--fold", "1", "--seed", "1", *paths, "--epochs", "3"]
    assert set(zip(expected[::2], expected[1::2], strict=True)) <= pairs and words[-1] == "--wait"
    assert submitted.function.checkpoint().function == submitted.function


def test_what_is_not_asked_for_is_left_to_the_cluster(fake, grid):
    assert grid("--folds", "0-1", "--seeds", 0, "--detach")[0] == 0
    text = "\n".join(script(fake, 7))
    assert "--array=0-1%2\n" in text and "--cpus-per-task=1\n" in text and "--time=1440\n" in text
    assert not any(word in text for word in ("--partition", "--gpus", "--mem"))


def test_runs_in_the_queue_are_found_again_and_only_the_others_are_submitted(fake, grid):
    assert grid("--folds", "0-1", "--seeds", 0, "--detach")[0] == 0
    (fake / "queue").write_text("7_0|RUNNING|None\n7_1|CANCELLED|None\n8_0|RUNNING|None\n")
    code, out, _ = grid("--seeds", 0, "--detach")
    assert code == 0 and "3 of 3 runs are in the queue, as job 7, 8;" in out
    assert "#SBATCH --array=0-1%2" in script(fake, 8)  # the cancelled one and the new one
    (fake / "queue").write_text("7_0|RUNNING|None\n8_0|PENDING|Priority\n8_1|PENDING|JobArrayTaskLimit\n")
    assert "3 of 3 runs are in the queue, as job 7, 8;" in grid("--seeds", 0, "--detach")[1]
    grid("--folds", 0, "--seeds", 0, "--epochs", 2, "--detach")  # another configuration is another job
    assert sorted(path.name for path in fake.glob("*.sh")) == ["7.sh", "8.sh", "9.sh"]


def test_of_two_grids_at_once_one_submits(fake, grid):
    sbatch = fake.parent / "bin" / "sbatch"
    sbatch.write_text(sbatch.read_text().replace("last=", "sleep 1\nlast="))
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: grid("--seeds", 0, "--detach"), range(2)))
    assert [code for code, *_ in ends] == [0, 0]
    assert "".join(out for _, out, _ in ends).count("3 of 3 runs are in the queue, as job 7;") == 2
    assert [path.name for path in fake.glob("*.sh")] == ["7.sh"]


def test_ends_are_told_as_results_appear_and_jobs_leave_the_queue(fake, grid, small_corpus, tmp_path, caplog):
    jobs = submitted(small_corpus, tmp_path)
    work, results = tmp_path / "work" / "slurm", tmp_path / "results" / "synthetic" / "tiny"
    results.mkdir(parents=True)
    (fake / "queue").write_text("7_0|RUNNING|None\n7_1|RUNNING|None\n7_2|PENDING|launch failed requeued held\n")
    ends = watch(jobs)
    (results / "08-seed0.json").touch()
    assert told(next(ends)) == ("08", "")
    assert "SLURM holds job 7_2 (launch failed requeued held): scontrol release 7_2 lets it go on" in caplog.text
    (fake / "queue").write_text("7_0|COMPLETING|None\n7_2|TIMEOUT|None\n")
    speaker, failure = told(next(ends))
    assert speaker == "09" and failure.startswith("the job is over without a result, SLURM's word for it is TIMEOUT (see ")
    (work / "7_0_0_result.pkl").write_bytes(pickle.dumps(("error", "Traceback:\n ...\nValueError: no such thing\n")))
    (fake / "queue").write_text("")
    assert told(next(ends)) == ("03", f"ValueError: no such thing (see {work / '7_0_0_log.out'})")
    assert next(ends, None) is None


def test_a_slurm_that_does_not_answer_is_waited_for(fake, small_corpus, tmp_path, monkeypatch):
    jobs = submitted(small_corpus, tmp_path)
    answers = iter([None] * 20)
    monkeypatch.setattr(slurm, "_queue", lambda: next(answers, {}))
    ends = list(watch(jobs))
    assert next(answers, "all") == "all"
    assert len(ends) == 3 and all("SLURM's word for it is UNKNOWN" in failure for _, failure in ends)


def submitted(corpus, folder):
    """The jobs of three runs."""
    kept = []

    def submit(jobs, options, submit=slurm.submit):
        kept.append(submit(jobs, options))
        return kept[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slurm, "submit", submit)
        words = ["--prepared", corpus, "--results", folder / "results", "--work", folder / "work", "--system", "tiny", "--seeds", 0]
        assert run_grid.main([str(word) for word in [*words, "--executor", "slurm", "--detach"]]) == 0
    return kept[0]


def told(end):
    job, failure = end
    return job.output.stem.partition("-")[0], failure


def one_line(end, *words):
    code, out, err = end
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert all(word in err for word in words)


def test_without_submitit_the_extra_is_named(fake, grid, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    one_line(grid(), "submitit is not installed", "'.[slurm]'")


def test_without_slurm_the_command_is_named(grid, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    one_line(grid(), "sbatch is not on PATH")


def test_a_slurm_that_refuses_or_is_silent_ends_in_one_line(fake, grid):
    commands = fake.parent / "bin"
    (commands / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: first' >&2\necho 'sbatch: error: second' >&2\nexit 1\n")
    one_line(grid(), "sbatch: error: first; sbatch: error: second")
    (commands / "squeue").write_text("#!/bin/sh\nexit 1\n")
    one_line(grid(), "squeue fails")


def test_nothing_missing_asks_nothing_of_slurm(fake, grid, monkeypatch):
    monkeypatch.setattr(runs.Experiment, "finished", lambda *_: True)
    code, out, _ = grid("--detach")
    assert code == 0 and "0 of 15 runs are in the queue, as job none" in out
    assert not list(Path(fake).glob("*.sh"))
