"""Folds that cannot leak, and the choice of the epoch."""

import pytest

from ser_acrnn.protocol import Fold, LeakError, check_leaks, chosen_epoch, leave_one_speaker_out

SPEAKERS = ["03", "08", "09", "10", "11"]


def test_every_speaker_tests_once_and_the_next_one_validates():
    folds = leave_one_speaker_out(reversed(SPEAKERS))
    assert [fold.test for fold in folds] == SPEAKERS
    assert [fold.validation for fold in folds] == ["08", "09", "10", "11", "03"]
    for fold in folds:
        assert sorted([*fold.train, fold.validation, fold.test]) == SPEAKERS


def test_a_partner_can_validate():
    partner = {"1F": "1M", "1M": "1F", "2F": "2M", "2M": "2F"}
    folds = leave_one_speaker_out(partner, partner)
    assert {fold.test: fold.validation for fold in folds} == partner
    assert folds[0].train == ("2F", "2M")


@pytest.mark.parametrize(
    "train, validation, test",
    [(("a", "b"), "c", "b"), (("a", "b"), "b", "c"), (("a", "b"), "c", "c"), (("a", "a"), "b", "c")],
)
def test_a_speaker_in_two_parts_is_refused_by_name(train, validation, test):
    with pytest.raises(LeakError, match=r"in two parts"):
        Fold(train, validation, test)


def test_a_fold_without_training_speaker_is_refused():
    with pytest.raises(LeakError, match="no training speaker"):
        Fold((), "a", "b")


@pytest.mark.parametrize("speakers", [[], ["a", "b"], ["a", "b", ""]])
def test_too_few_or_nameless_speakers_are_refused(speakers):
    with pytest.raises(LeakError, match="at least three"):
        leave_one_speaker_out(speakers)


def test_a_partner_from_outside_is_refused():
    with pytest.raises(LeakError, match=r"\['b'\]"):
        leave_one_speaker_out(["a", "b", "c"], {"a": "b", "b": "x", "c": "a"})


CLEAN = [("u1", "a", "s1"), ("u2", "a", "s2"), ("u3", "b", "s3"), ("u4", "c", "s4"), ("u5", "elsewhere", "s4")]


def test_a_clean_corpus_passes():
    check_leaks(Fold(("a",), "b", "c"), CLEAN)
    # The same audio twice within one part is a repetition, not a leak.
    check_leaks(Fold(("a",), "b", "c"), [*CLEAN, ("u6", "a", "s1")])


@pytest.mark.parametrize(
    "extra, words",
    [
        (("u6", "c", "s1"), r"same audio s1 is in training \(u1\) and in test \(u6\)"),
        (("u3", "c", "s6"), "same utterance u3 is in validation"),
        (("u6", "b", "s4"), "same audio s4 is in test"),
    ],
)
def test_an_utterance_or_audio_in_two_parts_is_named(extra, words):
    with pytest.raises(LeakError, match=words):
        check_leaks(Fold(("a",), "b", "c"), [*CLEAN, extra])


def test_a_speaker_without_utterance_is_named():
    with pytest.raises(LeakError, match="speaker d has no utterance"):
        check_leaks(Fold(("a", "d"), "b", "c"), CLEAN)


def entry(epoch, uar, loss):
    return {"epoch": epoch, "validation_uar": uar, "validation_loss": loss}


@pytest.mark.parametrize(
    "curve, epoch",
    [
        ([entry(1, 0.5, 1.0), entry(2, 0.7, 2.0), entry(3, 0.6, 0.1)], 2),
        ([entry(1, 0.7, 1.0), entry(2, 0.7, 0.9), entry(3, 0.7, 1.1)], 2),
        ([entry(1, 0.7, 1.0), entry(2, 0.7, 1.0)], 1),
    ],
)
def test_the_best_uar_then_the_lower_loss_then_the_earlier_epoch(curve, epoch):
    assert chosen_epoch(curve) == epoch


def test_an_empty_curve_is_refused():
    with pytest.raises(ValueError, match="at least one epoch"):
        chosen_epoch([])
