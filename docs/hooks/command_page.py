"""The `ser-acrnn` command -> a page with every subcommand, argument and option, read from the program itself."""

from __future__ import annotations

import re
from typing import Any

import typer

URI = "reference/command.md"
NAME = "ser-acrnn"


def page() -> str:
    """The page as Markdown."""
    from ser_acrnn.cli import app

    command = typer.main.get_command(app())
    with command.make_context(NAME, [], resilient_parsing=True) as context:
        text = [
            f"# The command `{NAME}`",
            "",
            _plain(command.help),
            "",
            f"```text\n{_usage(command, context)}\n```",
            "",
            _table(command, context),
        ]
        text += ["Exit codes: 0, all is done; 1, something could not be used, such as a recording, and was named; 2, wrong arguments.", ""]
        for name, sub in command.commands.items():  # type: ignore[attr-defined]
            with sub.make_context(name, [], parent=context, resilient_parsing=True) as inner:
                text += [f"## `{name}`", "", *_shown(sub, inner)]
                text += [_example(sub.epilog), ""] if sub.epilog else []
    return "\n".join(text)


def _shown(command: Any, context: Any) -> list[str]:
    return [_plain(command.help), "", f"```text\n{_usage(command, context)}\n```", "", _table(command, context)]


def _usage(command: Any, context: Any) -> str:
    return " ".join(command.get_usage(context).removeprefix("Usage: ").split())


def _table(command: Any, context: Any) -> str:
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in parameter.opts:
            rows.append(f"| `{_cell(record[0])}` | {_cell(_plain(record[1]))} |")
    return "\n".join(["| argument or option | what it is |", "| --- | --- |", *rows, ""]) if rows else ""


def _plain(text: str | None) -> str:
    paragraphs = re.split(r"\n\s*\n", (text or "").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _example(epilog: str) -> str:
    commands = re.sub(r"^Examples?: ", "", epilog).split(" | ")
    return "```bash\n" + "\n".join(commands) + "\n```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
