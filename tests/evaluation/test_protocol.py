"""Groupings and folds that cannot leak, a reader that cannot peep, and the choice of the epoch."""

import random
from collections import Counter

import pandas as pd
import pytest

from ser_acrnn.data.fold_reader import FoldReader
from ser_acrnn.evaluation.protocol import (
    LEAKY_RANDOM,
    PROTOCOLS,
    Fold,
    LeakError,
    check_leaks,
    chosen_epoch,
    grouping,
    impatient,
    leave_one_speaker_and_texts_out,
    leave_one_speaker_out,
)

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


def test_where_nobody_validates_the_speaker_trains():
    fold = Fold(("b", "d"), "c", "a")
    assert fold.heard == ("b", "d", "c")
    assert fold.without_validation() == Fold(("b", "c", "d"), None, "a")
    assert fold.without_validation().heard == ("b", "c", "d")
    with pytest.raises(LeakError, match="in two parts"):
        Fold(("a", "b"), None, "a")


def test_who_tests_and_who_validates_can_be_exchanged():
    fold = Fold(("b", "d"), "c", "a")
    assert fold.exchanged() == Fold(("b", "d"), "a", "c")
    with pytest.raises(LeakError, match="nobody who validates"):
        fold.without_validation().exchanged()


def test_neither_speaker_nor_text_of_a_test_utterance_is_heard_before():
    said = [
        (f"{speaker}{text}", speaker, text)
        for speaker in SPEAKERS
        for text in ("a1", "a2", "b1", "b2", "b3")
        if (speaker, text) != ("03", "b3")
    ]
    speakers, texts = {name: speaker for name, speaker, _ in said}, {name: text for name, _, text in said}
    folds = leave_one_speaker_and_texts_out(speakers, texts)
    assert len(folds) == 5 + 5 + 4  # the last text stands alone, and 03 does not say it
    tested = []
    for fold, groups in folds:
        mine = [name for name, group in groups.items() if group == fold.test]
        heard = [name for name, group in groups.items() if group in fold.heard]
        assert mine and not {speakers[name] for name in mine} & {speakers[name] for name in heard}
        assert not {texts[name] for name in mine} & {texts[name] for name in heard}
        assert fold.validation != speakers[mine[0]] and {speakers[name] for name in heard} == set(SPEAKERS) - {speakers[mine[0]]}
        tested += mine
    assert sorted(tested) == sorted(speakers)
    assert folds[0][0] == Fold(("09", "10", "11"), "08", "03-a1+a2")


def test_too_few_texts_are_refused():
    with pytest.raises(LeakError, match=r"the sentences are \['a', 'b', 'c'\], expected 4 or more"):
        leave_one_speaker_and_texts_out({"u": "s"}, {"u": "a", "v": "b", "w": "c"})


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


# Utterance, speaker, session.
ROWS = [("u1", "a", "s1"), ("u2", "b", "s1"), ("u3", "c", "s2"), ("u4", "d", "s2"), ("u5", "e", "s3"), ("u6", "a", "s1")]
GROUPS = {"a": "men", "b": "women", "c": "men", "d": "women", "e": "children"}
MANY = [(f"u{number:03d}", "abc"[number % 3], "") for number in range(535)]


@pytest.mark.parametrize(
    "protocol, expected",
    [
        ("leave-one-speaker-out", ["a", "b", "c", "d", "e", "a"]),
        ("leave-one-session-out", ["s1", "s1", "s2", "s2", "s3", "s1"]),
        ("leave-one-group-out", ["men", "women", "men", "women", "children", "men"]),
    ],
)
def test_utterances_are_grouped_by_what_the_protocol_leaves_out(protocol, expected):
    assert grouping(protocol, iter(ROWS), GROUPS) == {f"u{number}": group for number, group in enumerate(expected, start=1)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_utterance_without_a_speaker_is_refused_whatever_is_left_out(protocol):
    with pytest.raises(LeakError, match=r"2 utterance\(s\) have no speaker, such as 'u7', expected one each"):
        grouping(protocol, [*ROWS, ("u7", "", "s1"), ("u8", "", "s2")], {**GROUPS, "": "men"})


def test_a_speaker_in_two_sessions_is_refused_wherever_the_second_one_stands():
    for rows in ([*ROWS, ("u7", "b", "s3")], [("u7", "b", "s3"), *ROWS]):
        with pytest.raises(LeakError, match=r"\['b'\] are in several sessions, expected one each for leave-one-session-out"):
            grouping("leave-one-session-out", rows)
    assert grouping("leave-one-speaker-out", [*ROWS, ("u7", "b", "s3")])["u7"] == "b"


def test_a_speaker_without_session_or_group_is_refused():
    with pytest.raises(LeakError, match=r"\['f'\] have no session, expected one for leave-one-session-out"):
        grouping("leave-one-session-out", [*ROWS, ("u7", "f", "")])
    for groups, homeless in ((None, "abcde"), ({}, "abcde"), ({**GROUPS, "b": ""}, "b"), ({"a": "x", "b": "x", "c": "y"}, "de")):
        with pytest.raises(LeakError, match="have no group, expected one for leave-one-group-out") as caught:
            grouping("leave-one-group-out", ROWS, groups)
        assert str(list(homeless)) in str(caught.value)


def test_an_unknown_protocol_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="no protocol is called 'random'") as caught:
        grouping("random", ROWS)
    assert all(protocol in str(caught.value) for protocol in PROTOCOLS)


@pytest.mark.parametrize("count", [535, 40, 23])
def test_random_parts_hold_every_utterance_once_and_are_nearly_equal(count):
    found = grouping(LEAKY_RANDOM, MANY[:count])
    assert sorted(found) == [name for name, _, _ in MANY[:count]]
    sizes = Counter(found.values())
    assert set(sizes) == {f"part{number}" for number in range(10)}
    assert max(sizes.values()) - min(sizes.values()) <= 1


def test_random_parts_cut_through_speakers():
    found = grouping(LEAKY_RANDOM, MANY)
    for speaker in "abc":
        assert len({found[name] for name, own, _ in MANY if own == speaker}) == 10


def test_random_parts_hang_on_the_names_and_the_seed_alone():
    found = grouping(LEAKY_RANDOM, MANY)
    shuffled = random.Random(0).sample(MANY, len(MANY))
    assert [name for name, _, _ in shuffled] != [name for name, _, _ in MANY]
    assert grouping(LEAKY_RANDOM, iter(shuffled)) == found == grouping(LEAKY_RANDOM, MANY, GROUPS, seed=0)
    assert grouping(LEAKY_RANDOM, MANY, seed=1) != found
    # Results in the world are named after these parts.
    assert [found[f"u{number:03d}"] for number in range(8)] == ["part0", "part7", "part8", "part5", "part0", "part0", "part4", "part5"]


# Name, group, speaker, checksum.
FOLD = Fold(("a",), "b", "c")
CLEAN = [("u1", "a", "p", "s1"), ("u2", "a", "q", "s2"), ("u3", "b", "r", "s3"), ("u4", "c", "t", "s4"), ("u5", "elsewhere", "p", "s4")]


def test_a_clean_corpus_passes():
    check_leaks(FOLD, CLEAN)
    # The same audio twice within one part is a repetition, not a leak.
    check_leaks(FOLD, [*CLEAN, ("u6", "a", "p", "s1")])


@pytest.mark.parametrize(
    "extra, words",
    [
        (("u6", "c", "t", "s1"), r"same audio s1 is in training \(u1\) and in test \(u6\)"),
        (("u3", "c", "t", "s6"), r"same utterance u3 is in validation \(u3\) and in test \(u3\)"),
        (("u1", "b", "r", "s6"), r"same utterance u1 is in training \(u1\) and in validation \(u1\)"),
        (("u6", "b", "r", "s4"), "same audio s4 is in test"),
        (("u6", "c", "q", "s6"), r"same speaker q is in training \(u2\) and in test \(u6\)"),
        (("u6", "b", "t", "s6"), "same speaker t is in test"),
        (("u6", "a", "r", "s6"), "same speaker r is in validation"),
    ],
)
def test_an_utterance_a_speaker_or_audio_in_two_parts_is_named(extra, words):
    for rows in ([*CLEAN, extra], [*CLEAN[::-1], extra]):
        with pytest.raises(LeakError, match=words):
            check_leaks(FOLD, rows)


def test_leaks_are_found_where_nobody_validates():
    fold = Fold(("a", "b"), None, "c")
    check_leaks(fold, CLEAN)
    with pytest.raises(LeakError, match=r"is in training .* and in test"):
        check_leaks(fold, [*CLEAN, ("again", "c", "c", CLEAN[0][3])])


def test_all_leaks_are_named_at_once():
    with pytest.raises(LeakError) as caught:
        check_leaks(Fold(("a", "d"), "b", "c"), [*CLEAN, ("u1", "c", "p", "s1")])
    for words in ("utterance u1", "audio s1", "speaker p", "d has no utterance"):
        assert words in str(caught.value)


def test_a_leaky_split_may_part_a_speaker_but_neither_an_utterance_nor_its_audio():
    parted = [*CLEAN, ("u6", "c", "p", "s6")]
    check_leaks(FOLD, parted, speakers=False)
    with pytest.raises(LeakError, match="same speaker p"):
        check_leaks(FOLD, parted)
    for extra, words in ((("u7", "b", "p", "s1"), "same audio s1"), (("u1", "b", "p", "s7"), "same utterance u1")):
        with pytest.raises(LeakError, match=words) as caught:
            check_leaks(FOLD, [*parted, extra], speakers=False)
        assert "same speaker" not in str(caught.value)


def test_identical_audio_is_found_in_random_parts():
    """A copy under another name: some fold has the two in two of its parts."""
    names = [f"u{number:02d}" for number in range(40)]
    parts = grouping(LEAKY_RANDOM, [(name, "a", "") for name in names])
    other = next(name for name in names if parts[name] != parts["u00"])
    rows = [(name, parts[name], "a", "same" if name in ("u00", other) else name) for name in names]
    for fold in leave_one_speaker_out(parts.values()):
        if parts["u00"] in fold.train and parts[other] in fold.train:
            check_leaks(fold, rows, speakers=False)
        else:
            with pytest.raises(LeakError, match="same audio same"):
                check_leaks(fold, rows, speakers=False)


def test_a_group_without_utterance_is_named():
    for fold in (Fold(("a", "d"), "b", "c"), Fold(("a",), "d", "c"), Fold(("a",), "b", "d")):
        with pytest.raises(LeakError, match="d has no utterance"):
            check_leaks(fold, CLEAN)


class Recorder:
    """A corpus that remembers what was asked of it."""

    name = "small"

    def __init__(self):
        self.asked = []

    def utterances(self, groups):
        self.asked.append(sorted(groups))
        return iter([("u1", "sad", None)])

    def statistics(self, groups):
        self.asked.append(sorted(groups))
        return "mean", "variance"

    manifest = pd.DataFrame({"utterance": ["u1", "u2", "u3", "u4"], "speaker": ["a", "b", "c", "d"]})
    group = manifest["speaker"]

    def speakers_of(self, utterances):
        return [dict(zip(self.manifest["utterance"], self.manifest["speaker"], strict=True))[name] for name in utterances]

    def speaker_statistics(self, speaker):
        self.asked.append(speaker)
        return speaker, "variance"


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def reader(recorder):
    return FoldReader(recorder, Fold(("a", "d"), "b", "c"))


def test_training_and_validation_can_be_read_at_once(reader, recorder):
    assert list(reader.utterances(iter(["d", "a"]))) == list(reader.utterances(["b"])) == [("u1", "sad", None)]
    assert reader.statistics(iter(["a", "d"])) == ("mean", "variance")
    assert recorder.asked == [["a", "d"], ["b"], ["a", "d"]]


@pytest.mark.parametrize("groups", [["c"], ["a", "c"], ["b", "c"]])
def test_the_test_part_cannot_be_read_before_the_epoch_is_chosen(reader, recorder, groups):
    with pytest.raises(LeakError, match="small: the test part 'c' is read, expected the epoch to be chosen before"):
        reader.utterances(iter(groups))  # not only when the first utterance is taken
    with pytest.raises(ValueError, match="at least one epoch"):
        reader.choose_epoch([])
    with pytest.raises(LeakError, match="the test part 'c' is read"):
        reader.utterances(groups)
    assert not recorder.asked
    assert reader.choose_epoch([entry(1, 0.5, 1.0), entry(2, 0.7, 1.0)]) == 2
    assert list(reader.utterances(groups)) == [("u1", "sad", None)]


@pytest.mark.parametrize("groups, others", [(["b"], ["b"]), (["c"], ["c"]), (["a", "d", "b"], ["b"]), (["c", "b", "a"], ["b", "c"])])
def test_statistics_are_those_of_training_alone_also_after_the_epoch_is_chosen(reader, recorder, groups, others):
    for _ in range(2):
        with pytest.raises(LeakError) as caught:
            reader.statistics(iter(groups))
        assert str(caught.value) == f"small: statistics are fitted on {others} too, expected training speakers alone"
        reader.choose_epoch([entry(1, 0.5, 1.0)])
    assert not recorder.asked


def test_who_speaks_is_known_but_the_test_speakers_statistics_wait_for_the_choice(reader, recorder):
    assert reader.speakers_of(["u3", "u1"]) == ["c", "a"]
    assert reader.speaker_statistics("d")[0] == "d" and reader.speaker_statistics("b")[0] == "b"
    with pytest.raises(LeakError, match=r"small: statistics of the speaker 'c' are read, expected one of \['a', 'b', 'd'\]"):
        reader.speaker_statistics("c")
    assert recorder.asked == ["d", "b"]
    reader.choose_epoch([entry(1, 0.5, 1.0)])
    assert reader.speaker_statistics("c")[0] == "c"


def test_whoever_is_not_in_the_fold_is_not_read(reader, recorder):
    reader.choose_epoch([entry(1, 0.5, 1.0)])
    with pytest.raises(LeakError, match=r"\['x'\] are read, expected parts of the fold with test 'c'"):
        reader.utterances(["a", "x"])
    assert not recorder.asked


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


def test_the_last_epoch_is_taken_where_the_validation_speaker_has_no_say():
    assert chosen_epoch([entry(1, 0.9, 0.1), entry(2, 0.1, 2.0)], "last") == 2


def test_an_empty_curve_is_refused():
    with pytest.raises(ValueError, match="at least one epoch"):
        chosen_epoch([])


def test_patience_ends_so_many_epochs_after_the_best_one():
    curve = [entry(1, 0.5, 1.0), entry(2, 0.7, 1.0), entry(3, 0.6, 1.0), entry(4, 0.7, 1.0)]
    assert [impatient(curve[:length], "validation", 2) for length in (1, 2, 3, 4)] == [False, False, False, True]
    assert not impatient(curve, "last", 1)


def test_a_name_alone_is_not_taken_for_its_letters():
    with pytest.raises(TypeError, match="train is the text '0308', expected a list or tuple of names"):
        Fold("0308", None, "09")
    with pytest.raises(TypeError, match="speakers is the text 'abc'"):
        leave_one_speaker_out("abc")
