"""A case that ends its process, hangs or fills the memory is named, and those after it are tried."""

import os
import signal
import time

import numpy as np
import pytest

from experiments.stress import worker
from experiments.stress.cases import Case


def try_all():
    def one(number):
        if number == 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 3:
            began = time.process_time()
            while time.process_time() < began + 60:
                pass
        if number == 5:
            raise KeyError("a")
        if number == 7:
            np.ones(2**25)  # 256 MiB
        return Case(number, "fine")

    return one


@pytest.mark.slow
def test_what_a_case_does_to_its_process_is_its_fault_alone(monkeypatch):
    monkeypatch.setattr(worker, "MOST_RESIDENT", 2**28)
    found = {case.number: case for case in worker.tried(try_all, range(9), hangs_seconds=3)}
    assert list(found) == list(range(9))
    assert {number for number, case in found.items() if case.fault} == {1, 3, 5, 7}
    assert "exit code -11" in found[1].fault and "no answer after 3 s" in found[3].fault
    assert found[5].fault == "KeyError: 'a'" and "GB of memory" in found[7].fault
