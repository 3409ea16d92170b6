"""What importing `experiments` asks of TensorFlow, before anything imports it."""

import os
import subprocess
import sys

import pytest

SAY = "import sys, experiments.grid.run_one, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'], 'tensorflow' in sys.modules)"


@pytest.mark.parametrize("given, kept", [(None, "1"), ("0", "0")])
def test_onednn_is_asked_for_unless_the_user_decides(given, kept):
    environment = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    environment |= {"TF_ENABLE_ONEDNN_OPTS": given} if given else {}
    said = subprocess.run([sys.executable, "-c", SAY], env=environment, capture_output=True, text=True, check=True).stdout
    assert said.split() == [kept, "False"]
