"""System calls that fail while a command writes: it says so in a line, leaves what was there whole, and ends right when given again."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import types
import uuid
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from experiments.stress import forks
from experiments.stress.cases import Case, Part
from experiments.stress.commands import COMMANDS, copied, names
from experiments.stress.scene import Scene, last_lines
from ser_acrnn.files import PARTIAL

ERRORS = ("ENOSPC", "EIO", "EACCES")
CALLS = "openat,write,pwrite64,writev,ftruncate,rename,link,symlink,mkdir"
_ID = uuid.UUID(int=0)  # in the names of all that is being written

# Cases of each command at full scale, and the time that they may take. The grid's runs are `run`.
FAILING = {
    "preparation": (100, 1_800),
    "packing": (60, 1_800),
    "run": (100, 7_200),
    "report": (100, 3_600),
    "train": (30, 7_200),
    "plot": (30, 1_800),
    "export": (30, 3_600),
}


def why_not() -> str:
    """Why no call can be made to fail here; "" where they can."""
    return "" if shutil.which("strace") else "strace is not installed"


def _tried(name: str, numbers: Sequence[int], seed: int, folder: Path) -> Iterator[Case]:
    scene = Scene(COMMANDS[name], folder)
    places = {"into nothing": scene.before, "over an earlier outcome": folder / "after"}
    calls = {how: _calls(scene, before, folder / "case") for how, before in places.items()}
    for number in numbers:
        rng = np.random.default_rng([seed, number])
        how, before = list(places.items())[number % 2]
        call, error = int(rng.integers(calls[how])) + 1, ERRORS[rng.integers(len(ERRORS))]
        copied(before, folder / "case")
        ended, fault = _disturbed(scene, folder / "case", call, error)
        yield Case(number, ended, fault and f"{how}, call {call} of {calls[how]} with {error}: {fault}")
        shutil.rmtree(folder / "case")


def _calls(scene: Scene, before: Path, place: Path) -> int:
    """How many calls the command makes that concern what it writes; at least one."""
    child = _traced(scene, copied(before, place), place.with_name("trace"), [])
    child.code()
    return max(1, len(re.findall(rb"\) += ", place.with_name("trace").read_bytes())))


def _disturbed(scene: Scene, place: Path, call: int, error: str) -> tuple[str, str]:
    """How a command ends of which a call fails, and what is wrong with that."""
    earlier = scene.command.left(place)
    child = _traced(scene, place, place.with_name("trace"), ["-e", f"inject={CALLS}:error={error}:when={call}"])
    if not child.ended_within(scene.longest_seconds):
        child.kill()
        return "hangs", "does not end"
    code, said = child.code(), child.said()
    ended, faults = ("failed" if code else "ended right in spite of it"), []
    if code not in (0, 1):
        faults.append(f"ends with exit code {code}: {last_lines(said)}")
    elif "Traceback" in said:
        faults.append(f"says more than a line: {last_lines(said)}")
    if code == 0 and (difference := scene.difference(place)):
        faults.append(f"ends with exit code 0, but {difference}")
    found = scene.command.left(place)
    if spoilt := [name for name, its in earlier.items() if found.get(name) not in (its, scene.left.get(name))]:
        faults.append(f"{', '.join(spoilt)} not whole any more")
    if fault := scene.fault_of(scene.begun(place), place):
        faults.append(f"given again: {fault}")
    return ended, "; ".join(faults)


def _traced(scene: Scene, place: Path, trace: Path, more: Sequence[str]) -> forks.Child:
    """The command in a folder under strace, which looks at what concerns the files that it writes."""
    child = scene.begun(place, stopped=True, before=_name_all_alike)
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    files = [place / name for name in sorted(scene.names - names(scene.before))]
    looked_at = {path for file in files for path in _places(file, child.pid)}
    words = ["strace", "-f", "-q", "-p", str(child.pid), "-o", str(trace), "-e", f"trace={CALLS}", *more]
    strace = subprocess.Popen([*words, *(f"--trace-path={path}" for path in sorted(looked_at))], stderr=subprocess.DEVNULL)
    _wait_until_traced(child, strace)
    os.kill(child.pid, signal.SIGCONT)
    child.tracer = strace
    return child


def _wait_until_traced(child: forks.Child, strace: subprocess.Popen[bytes]) -> None:
    while "TracerPid:\t0\n" in Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8"):
        if strace.poll() is not None:
            child.kill()
            raise ValueError(f"strace ends with exit code {strace.returncode}, expected it to trace process {child.pid}")
        time.sleep(0.001)


def _places(file: Path, pid: int) -> list[Path]:
    """A file, its folder, where it is while it is written, and what is written beside it, under the names that `_name_all_alike` makes."""
    folder = file.with_name(f".{file.name}.{_ID}")
    return [
        file.parent,
        file,
        file.with_name(f"{file.name}.{socket.gethostname()}-{pid}-{_ID.hex[:8]}{PARTIAL}"),
        folder,
        folder / file.name,
        folder / "check.json",
    ]


def _name_all_alike() -> None:
    """Gives files and folders that are being written names that are known before."""
    from ser_acrnn import files

    made = tempfile.mkdtemp

    def make(suffix: str | None = None, prefix: str | None = None, dir: str | Path | None = None) -> str:
        if dir is None:
            return made(suffix, prefix, dir)
        path = Path(dir, f"{prefix}{_ID}")
        path.mkdir()
        return str(path)

    tempfile.mkdtemp = make  # type: ignore[assignment]
    files.uuid = types.SimpleNamespace(uuid4=lambda: _ID)  # type: ignore[attr-defined]


PARTS = tuple(Part(name, count, seconds, partial(_tried, name), why_not) for name, (count, seconds) in FAILING.items())
