"""The measurement of the preparation gives figures that can be true."""

from data_prep import synthetic
from experiments.bench import preparation


def test_preparation_is_measured(tmp_path):
    synthetic.write_emodb_like(tmp_path, utterances_per_speaker=1)
    figures = preparation.measure(tmp_path)
    assert figures["utterances"] >= 9
    assert 0 < figures["again"] < figures["fresh"] < 60
    assert 100 < figures["peak"] < 3000
