"""What a configuration says of how the model is chosen."""

from __future__ import annotations

import pytest

from ser_acrnn.auditing import SplitError, selection

CHOSEN_ON_THE_TEST = {
    "train.yaml": "train_annotation: train.json\nvalid_annotation: !ref <test_annotation>\ntest_annotation: data/test.json\n",
    "config.json": '{\n  "valid_file": "lists/test.csv",\n  "test_file": "lists/test.csv"\n}\n',
    "exp.ini": "[DATA]\ndev_csv = test.csv\ntest_csv = test.csv  # the same\n",
    "run.sh": "python train.py --valid-data test.csv --test-data test.csv\n",
    "trainer.yaml": "metric_for_best_model: test_uar\n",
    "lightning.yaml": "monitor: test/acc\n",
    "twice.yaml": "checkpoint:\n  monitor: test_uar\nscheduler:\n  monitor: val_loss\n",
    "line.json": '{"monitor": "test_acc", "epochs": 3}',
    "deep.json": '{"callbacks": [{"name": "checkpoint", "monitor": "test_acc"}]}',
    "below.yaml": "valid:\n  csv: data/test.csv\n\n# a comment\ntest:\n  csv: data/test.csv\n",
    "braces.yaml": "early_stopping: {monitor: test_uar, patience: 3}\n",
    "train.py": 'callback = ModelCheckpoint("m", monitor="test_acc")\n',
    "dots.yaml": "valid_csv: data/test.csv\ntest_csv: ./data/test.csv\n",
}
CHOSEN_OTHERWISE = {
    "train.yaml": "valid_annotation: valid.json\ntest_annotation: test.json\n",
    "loop.yaml": "valid_batch_size: 1\ntest_batch_size: 1\nvalid_every: true\ntest_every: true\n",
    "trainer.yaml": "metric_for_best_model: eval_uar\nmonitor: val_loss\n",
    "run.sh": "python train.py --valid-data dev.csv --test-data test.csv\n",
    "below.yaml": "valid:\n  csv: data/dev.csv\ntest:\n  csv: data/test.csv\nother:\n  csv: data/dev.csv\n",
    "train.py": 'callback = ModelCheckpoint("test", monitor="val_acc")\n',
    "line.json": '{"monitor": "val_acc", "test": 3}',
}


@pytest.mark.parametrize("name, text", CHOSEN_ON_THE_TEST.items())
def test_a_choice_by_the_test_is_found(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    (finding,) = selection.findings(tmp_path / name)
    assert finding.kind == "selection" and name in finding.sentence and "test" in finding.names[0]


@pytest.mark.parametrize("name, text", CHOSEN_OTHERWISE.items())
def test_a_choice_by_something_else_is_not(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert not list(selection.findings(tmp_path / name))


def test_a_configuration_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SplitError, match=r"none.yaml: cannot be read"):
        list(selection.findings(tmp_path / "none.yaml"))
