"""The paper's numbers: copied rightly, and what in them does not add up, computed anew."""

import numpy as np
import pytest

from data_prep.corpora import emodb, iemocap
from experiments import catalogue
from experiments.catalogue.published import BEST_DEPTH, CONFUSIONS, PUBLISHED, Confusion, inconsistencies, largest_remainder, utterances_of
from ser_acrnn.config import preset

FIG_4_COUNTS = [55, 28, 35, 32, 34, 32, 41]


def row(corpus, attribute):
    return [getattr(PUBLISHED[corpus, f"acrnn3d-{layers}conv"], attribute) for layers in range(1, 8)]


def test_table_1_is_the_letters():
    assert row("emodb", "mean") == [81.53, 81.72, 82.74, 81.75, 82.82, 82.69, 80.84]
    assert row("emodb", "deviation") == [6.96, 6.32, 5.03, 6.22, 4.99, 5.53, 5.09]
    assert row("iemocap", "mean") == [64.20, 64.18, 64.11, 64.62, 63.80, 64.74, 63.95]
    assert row("iemocap", "deviation") == [5.73, 5.57, 5.23, 5.27, 5.45, 5.44, 5.12]


def test_table_2_is_the_letters():
    found = {key: (number.mean, number.deviation) for key, number in PUBLISHED.items() if number.table == "Table II"}
    assert found == {
        ("emodb", "dnn-elm"): (71.56, 8.43),
        ("emodb", "acrnn2d-5conv"): (79.38, 7.78),
        ("iemocap", "dnn-elm"): (51.24, 7.24),
        ("iemocap", "acrnn2d-6conv"): (62.40, 6.70),
    }


def test_every_published_system_is_in_the_catalogue():
    assert {corpus for corpus, _ in PUBLISHED} == set(BEST_DEPTH) == set(CONFUSIONS)
    assert {system for _, system in PUBLISHED} <= set(catalogue.SYSTEMS)


@pytest.mark.parametrize("corpus", BEST_DEPTH)
def test_the_best_depth_is_table_1s_and_the_presets(corpus):
    means = row(corpus, "mean")
    assert 1 + means.index(max(means)) == BEST_DEPTH[corpus] == len(preset(f"paper-{corpus}").model.conv)
    figure = CONFUSIONS[corpus]
    assert figure.system == f"acrnn3d-{BEST_DEPTH[corpus]}conv"
    assert figure.caption == PUBLISHED[corpus, figure.system].mean


@pytest.mark.parametrize("corpus, emotions", [("emodb", emodb.EMOTIONS), ("iemocap", iemocap.EMOTIONS)])
def test_a_confusion_matrix_has_a_row_an_emotion_that_sums_to_100(corpus, emotions):
    matrix = np.array(CONFUSIONS[corpus].percent)
    assert sorted(CONFUSIONS[corpus].emotions) == sorted(emotions)
    assert matrix.shape == (len(emotions), len(emotions))
    np.testing.assert_allclose(matrix.sum(axis=1), 100, atol=0.06)  # neutral in Fig. 3: 99.95, more than rounding explains
    assert (matrix >= 0).all()


@pytest.mark.parametrize("corpus, average", [("iemocap", 62.815), ("emodb", 82.147)])
def test_the_diagonals_do_not_average_what_the_captions_say(corpus, average):
    diagonal = np.diag(CONFUSIONS[corpus].percent).mean()
    assert diagonal == pytest.approx(average, abs=0.001)
    assert abs(diagonal - CONFUSIONS[corpus].caption) > 0.5
    assert f"averages {diagonal:.1f} %, its caption says {CONFUSIONS[corpus].caption:.2f} %" in inconsistencies(corpus)[0]


def test_fig_4_counts_the_utterances_of_speakers_13_to_16():
    matrix = CONFUSIONS["emodb"]
    assert matrix.emotions == emodb.EMOTIONS
    assert matrix.speakers == ("13", "14", "15", "16")
    counts = np.array([emodb.PUBLISHED_COUNTS[speaker] for speaker in matrix.speakers]).sum(axis=0)
    assert counts.tolist() == utterances_of(matrix.speakers, emodb.PUBLISHED_COUNTS) == FIG_4_COUNTS
    for percents, count in zip(matrix.percent, counts, strict=True):
        decisions = np.array(percents) / 100 * 5 * count
        # Rounded to two decimals, a percentage of 5 * 55 decisions is known to 0.014 decisions.
        np.testing.assert_allclose(decisions, decisions.round(), atol=0.015)
        assert decisions.round().sum() == 5 * count
    assert largest_remainder(matrix, FIG_4_COUNTS) < 0.015


def test_fig_4_fits_no_other_four_speakers():
    """Nor one seed, nor all speakers: what is claimed of the figure is no coincidence."""
    from itertools import combinations

    matrix, published = CONFUSIONS["emodb"], emodb.PUBLISHED_COUNTS
    fitting = [some for some in combinations(published, 4) if largest_remainder(matrix, utterances_of(some, published)) < 0.1]
    assert fitting == [("13", "14", "15", "16")]
    assert largest_remainder(matrix, FIG_4_COUNTS, seeds=1) > 0.3
    assert largest_remainder(matrix, utterances_of(tuple(published), published)) > 0.3


def test_the_largest_remainder_is_that_of_the_worst_cell():
    matrix = Confusion("Fig. 0", "tiny", ("angry", "sad"), ((50.0, 50.0), (24.0, 76.0)), 50.0)
    assert largest_remainder(matrix, [2, 5], seeds=2) == pytest.approx(0.4)  # 24 % of ten decisions
    assert largest_remainder(matrix, [2, 5], seeds=5) == pytest.approx(0)


def test_what_does_not_add_up_is_told_of_each_corpus():
    lines = inconsistencies("emodb")
    assert "55/28/35/32/34/32/41 utterances with five seeds" in lines[1]
    assert "speakers 13, 14, 15, 16, 257 of 535" in lines[1] and "4 of the ten folds" in lines[1]
    other = inconsistencies("iemocap")
    assert not any("speakers" in line and "535" in line for line in other)
    assert lines[-4:] == other[-4:]
    assert "over the 50 runs or over the folds' means" in other[-4]
    assert "mean and variance are those of the batch that is judged" in other[-2]  # what the authors' two programs do at judging
    assert all(program in other[-1] for program in ("`model.py`", "`utils.py`", "`model1.py`"))


def test_one_utterance_moves_a_folds_uar_by_as_much_as_is_claimed():
    """A fold's UAR is over the emotions that its speaker has: with a single utterance of one, that one weighs 1 / emotions."""
    moves = [100 / sum(count > 0 for count in counts) for counts in emodb.PUBLISHED_COUNTS.values() if 1 in counts]
    assert max(moves) == pytest.approx(14, abs=0.5)
    assert emodb.PUBLISHED_COUNTS["08"][emodb.EMOTIONS.index("disgust")] == 0
    assert [speaker for speaker, counts in emodb.PUBLISHED_COUNTS.items() if 0 in counts] == ["08"]
