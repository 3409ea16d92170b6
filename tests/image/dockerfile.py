"""The Dockerfile's lines, and what they do without a builder: in namespaces of Linux that need no rights."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
SYSTEM = ("bin", "lib", "lib64", "usr")  # that the image has of its base
NOBODY = "65534:65534"
APART = ("unshare", "--user", "--map-root-user", "--mount")


@dataclass
class Stage:
    """A stage of the Dockerfile: its name and its instructions, each a word and what follows."""

    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What follows a word, each time."""
        return [rest for name, rest in self.instructions if name == word]

    def one(self, word: str) -> str:
        """What follows a word that stands there once."""
        (found,) = self.all(word)
        return found


def stages(text: str | None = None) -> list[Stage]:
    """The stages of the Dockerfile in order; lines that go on are joined."""
    found: list[Stage] = []
    for line in (text or (ROOT / "Dockerfile").read_text(encoding="utf-8")).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage(rest.partition(" AS ")[2]))
        elif word and not word.startswith("#"):
            found[-1].instructions.append((word, rest.strip()))
    return found


def copied(stage: Stage) -> list[str]:
    """Files and folders of the repository that a stage copies."""
    lists = [shlex.split(rest) for rest in stage.all("COPY") if not rest.startswith("--from")]
    return [name for words in lists for name in words[:-1]]


def environment(stage: Stage) -> dict[str, str]:
    """What a container of it has in its environment: nothing else, and no HOME."""
    base = {"PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin"}
    for rest in stage.all("ENV"):
        base |= {name: value.replace("$PATH", base["PATH"]) for name, _, value in (word.partition("=") for word in shlex.split(rest))}
    return base


def build(stage: Stage, folder: Path) -> Path:
    """Runs a stage's lines below a folder, with its `opt` as /opt and its `build` as where they are; returns `opt`."""
    opt, here = folder / "opt", folder / "build"
    opt.mkdir()
    here.mkdir()
    variables = {**os.environ, "PATH": f"{sys.base_prefix}/bin:{os.environ['PATH']}"}
    for word, rest in stage.instructions:
        if word == "COPY":
            *names, target = shlex.split(rest)
            for name in names:
                _copy(ROOT / name, here / (name if target.endswith("/") else target))
        elif word == "RUN":
            script = f"mount --bind {shlex.quote(str(opt))} /opt && {rest}"
            subprocess.run([*APART, "sh", "-ec", script], cwd=here, env=variables, check=True)
    return opt


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@dataclass
class Container:
    """The last stage, run as `docker run --read-only --user 65534:65534 --network none` would.

    Attributes:
        stage: What it is.
        root: Its root folder.
        opt: What it has in /opt.
        recordings: Its working folder on this machine.
    """

    stage: Stage
    root: Path
    opt: Path
    recordings: Path

    def run(self, *words: str, tmpfs: bool = False, settings: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs the command with words, on one core, or what `entry` says instead; `tmpfs` as `--tmpfs /tmp`."""
        entry = json.loads(self.stage.one("ENTRYPOINT"))
        return self.execute([*entry, *(words or json.loads(self.stage.one("CMD")))], tmpfs=tmpfs, settings=settings)

    def execute(self, words: list[str], *, tmpfs: bool = False, settings: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a program in it."""
        user, group = self.stage.one("USER").split(":")
        inner = [
            "unshare",
            "--user",
            f"--map-user={user}",
            f"--map-group={group}",
            f"--root={self.root}",
            f"--wd={self.stage.one('WORKDIR')}",
        ]
        variables = environment(self.stage) | {"LANG": "C"} | (settings or {})
        given = [f"{name}={value}" for name, value in variables.items()]
        script = "\n".join(
            [*self._mounts(tmpfs), shlex.join(["exec", "taskset", "-c", _core(), *inner, "/usr/bin/env", "-i", *given, *words])]
        )
        return subprocess.run([*APART, "--net", "sh", "-ec", script], capture_output=True, text=True, timeout=300, check=False)

    def _mounts(self, tmpfs: bool) -> Iterator[str]:
        """Lines for the shell that fill the root, which then takes no write."""
        root = self.root
        yield f"mount -t tmpfs none {root}"
        places = {f"/{name}": f"/{name}" for name in SYSTEM} | {sys.base_prefix: sys.base_prefix, str(self.opt): "/opt"}
        for source, target in places.items():
            yield f"mkdir -p {root}{target} && mount --bind {source} {root}{target} && mount -o remount,bind,ro {root}{target}"
        for name in ("proc", "sys"):  # every container has them; ONNX Runtime asks there what the processor can do
            yield f"mkdir -p {root}/{name} && mount --rbind /{name} {root}/{name}"
        yield f"mkdir -p {root}/dev {root}/tmp {root}/recordings"
        yield f"touch {root}/dev/null {root}/dev/urandom"
        yield f"for name in null urandom; do mount --bind /dev/$name {root}/dev/$name; done"
        yield f"mount --bind {self.recordings} {root}/recordings"
        if tmpfs:
            yield f"mount -t tmpfs -o mode=1777 none {root}/tmp"
        yield f"mount -o remount,ro {root}"


def _core() -> str:
    return str(min(os.sched_getaffinity(0)))


def available() -> str:
    """Why a container cannot be had here; empty where it can."""
    if missing := [name for name in ("unshare", "taskset", "mount") if shutil.which(name) is None]:
        return f"{', '.join(missing)} is not installed"
    done = subprocess.run([*APART, "--net", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False)
    return done.stderr.strip()
