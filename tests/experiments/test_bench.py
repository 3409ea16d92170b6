"""The measurements give figures that can be true."""

import pandas as pd
import pytest

from data_prep import synthetic
from experiments.bench import epoch, preparation


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    synthetic.write_emodb_like(folder / "corpus", utterances_per_speaker=1)
    return folder / "data" / "synthetic", preparation.measure("synthetic", folder / "corpus", folder / "data")


def test_preparation_is_measured(measured):
    prepared, figures = measured
    assert (prepared / "recipe.json").is_file()
    assert figures["utterances"] >= 9 and 0.2 < figures["minutes"] < 5
    assert 0 < figures["again"] < figures["fresh"] < 60
    assert 100 < figures["peak"] < 3000


@pytest.mark.parametrize("kind, repeats", [("stream", 2), ("memory", 3)])
def test_an_epoch_is_measured_over_the_corpus_as_often_as_asked(measured, kind, repeats):
    segments = pd.read_csv(measured[0] / "manifest.csv")["segments"].sum()
    figures = epoch.measure(kind, measured[0], repeats)
    assert figures["segments"] == repeats * segments >= 10
    assert 0 < figures["seconds"] < 60 and 100 < figures["before"] <= figures["peak"] < 3000
