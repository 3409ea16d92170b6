"""A command's undisturbed run, and what a disturbed one differs from it by."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from experiments.stress import forks
from experiments.stress.commands import COMMANDS, Command, copied, names, write_recordings

LEAST_SECONDS, TIMES_LONGER = 1_200.0, 10.0  # that a run may take than the undisturbed one; a busy machine is not a fault
SHOWN = 3  # differences, and lines of a traceback


class Scene:
    """A command on the small corpus, run once undisturbed.

    Args:
        command: The command.
        folder: An empty folder, or one that an earlier scene has left.

    Attributes:
        before: The folder in which everything stands that the command needs.
        seconds: How long it took.

    Raises:
        ValueError: It, or what it needs, fails undisturbed.
    """

    def __init__(self, command: Command, folder: Path) -> None:
        forks.import_everything()
        self.command, self.folder, self.before = command, folder, folder / "before"
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        write_recordings(self.before)
        for name in command.needs:
            self._run(COMMANDS[name], self.before)
        after = copied(self.before, folder / "after")
        began = time.monotonic()
        self._run(command, after)
        self.seconds = time.monotonic() - began
        self.left, self.names = command.left(after), names(after)

    def _run(self, command: Command, place: Path) -> None:
        child = forks.Child(partial(command.run, place), self.folder / "undisturbed.log")
        if code := child.code():
            raise ValueError(f"{place}: {command.name} ends with exit code {code} where nothing disturbs it, expected 0\n{child.said()}")

    @property
    def longest_seconds(self) -> float:
        """What takes longer does not end."""
        return max(LEAST_SECONDS, TIMES_LONGER * self.seconds)

    def begun(self, place: Path, *, stopped: bool = False, before: Callable[[], object] = bool, log: str = "disturbed.log") -> forks.Child:
        """The command in a folder, as it begins; something may be called before."""

        def run() -> int:
            before()
            return self.command.run(place)

        return forks.Child(run, self.folder / log, stopped=stopped)

    def fault_of(self, child: forks.Child, place: Path) -> str:
        """Waits for a command, and says what is wrong with how it ended and what it left; "" where nothing is."""
        if not child.ended_within(self.longest_seconds):
            child.kill()
            return f"does not end; undisturbed it takes {self.seconds:.0f} s"
        if code := child.code():
            return f"ends with exit code {code}: {last_lines(child.said())}"
        return self.difference(place)

    def difference(self, place: Path) -> str:
        """What a folder differs by from what the undisturbed command left; "" where by nothing."""
        found = self.command.left(place)
        differing = sorted(name for name in self.left.keys() | found.keys() if self.left.get(name) != found.get(name))
        more = sorted({re.sub(r"[^.]+-\d+-[0-9a-f]{8}", "*", name) for name in names(place) - self.names})
        parts = [f"{', '.join(differing[:SHOWN])} not as undisturbed"] if differing else []
        parts += [f"{', '.join(more[:SHOWN])} left behind"] if more else []
        return "; ".join(parts)


def last_lines(text: str) -> str:
    """The end of what a command said, in one line."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-SHOWN:])[-500:]
