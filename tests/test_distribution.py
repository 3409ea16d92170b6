"""Tests of a file share a process, and so what the file makes once: half of the suite's time would go into making it again."""

from __future__ import annotations

import pytest


def test_where_several_processes_share_the_tests_a_files_stay_together(request: pytest.FixtureRequest) -> None:
    (group,) = (mark.args[0] for mark in request.node.iter_markers("xdist_group"))
    assert group == "tests/test_distribution.py"
    if getattr(request.config.option, "loadgroup", False):  # in one of them; pytest-xdist shares tests out by what follows the last @
        assert request.node.nodeid.endswith(f"@{group}")
