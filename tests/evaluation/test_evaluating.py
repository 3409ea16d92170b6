"""What predictions are worth, against figures worked out by hand, scikit-learn's, and those of the reports."""

import doctest
import json
import math

import numpy as np
import pandas as pd
import pytest
from sample_results import RESULTS, sample_result
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

import ser_acrnn
from ser_acrnn.evaluation import PredictionsError, evaluating, evaluation_figure
from ser_acrnn.evaluation.intervals import t_interval
from ser_acrnn.evaluation.metrics import unweighted_average_recall
from ser_acrnn.evaluation.summary import Summary

EMOTIONS = ("angry", "neutral", "sad")
# Nobody is truly neutral; speaker c is never sad. Right: a 3 of 4, b 2 of 3, c 2 of 2.
TABLE = pd.DataFrame(
    [
        ("a", "f", "angry", 0.8, 0.1, 0.1),
        ("a", "f", "angry", 0.2, 0.5, 0.3),
        ("a", "f", "sad", 0.1, 0.1, 0.8),
        ("a", "f", "sad", 0.1, 0.3, 0.6),
        ("b", "m", "angry", 0.6, 0.0, 0.4),
        ("b", "m", "sad", 0.7, 0.1, 0.2),
        ("b", "m", "sad", 0.0, 0.1, 0.9),
        ("c", "m", "angry", 1.0, 0.0, 0.0),
        ("c", "m", "angry", 0.9, 0.1, 0.0),
    ],
    columns=["speaker", "sex", "truth", *EMOTIONS],
)


def random_table(utterances=200, speakers=6, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.choice(EMOTIONS, utterances)
    decision = np.where(rng.random(utterances) < 0.6, truth, rng.choice(EMOTIONS, utterances))
    return pd.DataFrame(
        {
            "truth": truth,
            "decision": decision,
            "speaker": rng.integers(speakers, size=utterances),
            "sex": rng.choice(["f", "m"], utterances),
        }
    )


def test_the_rates_of_a_small_table_are_those_worked_out_by_hand():
    found = ser_acrnn.evaluate(TABLE, emotions=EMOTIONS)
    assert (found.emotions, found.utterances) == (EMOTIONS, 9)
    assert found.confusion.tolist() == [[4, 1, 0], [0, 0, 0], [1, 0, 3]]
    assert found.recall == {"angry": 4 / 5, "sad": 3 / 4}
    assert found.uar == pytest.approx((4 / 5 + 3 / 4) / 2) and found.wa == pytest.approx(7 / 9)
    assert found.macro_f1 == pytest.approx((2 * 4 / (5 + 5) + 2 * 3 / (4 + 3)) / 2)
    assert (found.groups.column, found.groups.number) == ("speaker", 3)
    speakers = [3 / 4, 3 / 4, 1]  # c has no sad utterance, which counts for nothing
    assert (found.groups.uar.low, found.groups.uar.high) == (t_interval(speakers)[0], 1.0)
    assert found.groups.uar.mean == pytest.approx(np.mean(speakers)) and found.groups.wa.mean == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)
    true = [0.8, 0.2, 0.8, 0.6, 0.6, 0.2, 0.9, 1.0, 0.9]
    assert found.log_loss == pytest.approx(-np.log(true).mean())
    # Bins by confidence: 0.5; 0.6, 0.6; 0.7; 0.8, 0.8; 0.9, 0.9, 1.0. The first and the third hold wrong decisions.
    assert found.calibration_error == pytest.approx((0.5 + 2 * 0.4 + 0.7 + 2 * 0.2 + 0.2) / 9)


def test_the_rates_agree_with_scikit_learn():
    table = random_table()
    found = ser_acrnn.evaluate(table)
    pair = table["truth"], table["decision"]
    assert found.uar == pytest.approx(balanced_accuracy_score(*pair)) and found.wa == pytest.approx(accuracy_score(*pair))
    assert found.macro_f1 == pytest.approx(f1_score(*pair, average="macro"))
    assert math.isnan(found.log_loss) and math.isnan(found.calibration_error)


def test_whole_numbers_that_pandas_has_made_fractions_are_the_same_names():
    table = pd.DataFrame({"truth": [0.0, 1.0, 0.0, 1.0], "decision": [0, 1, 0, 1]})
    found = ser_acrnn.evaluate(table)
    assert found.uar == 1 and found.emotions == ("0", "1")
    assert ser_acrnn.evaluate(table.assign(truth=[0.5, 1.0, 0.5, 1.0], decision=[0.5, 1, 0.5, 1])).emotions == ("0.5", "1.0")


def test_names_that_look_alike_are_told(caplog):
    ser_acrnn.evaluate(pd.DataFrame({"truth": ["fro\u0308h", "Sad"], "decision": ["fr\u00f6h", "sad"]}))
    assert [("look alike" in record.message, record.levelname) for record in caplog.records] == [(True, "WARNING")] * 2


def test_speakers_that_look_alike_are_told_beside_predictions(tmp_path, caplog):
    (labels := tmp_path / "labels.csv").write_text("path,speaker,emotion\na.wav,3,sad\nb.wav,03,happy\n")
    (said := tmp_path / "said.csv").write_text(f"path,emotion\n{tmp_path}/a.wav,sad\n{tmp_path}/b.wav,sad\n")
    ser_acrnn.evaluate(said, labels)
    assert [record.message for record in caplog.records] == [
        f"{labels}: the speakers '3' and '03' look alike, and are taken for different ones"
    ]


def test_an_emotion_stands_once_among_the_emotions():
    table = pd.DataFrame({"truth": ["a"], "decision": ["a"]})
    with pytest.raises(PredictionsError, match=r"emotions are \['a', 'b', 'b'\], expected each once"):
        ser_acrnn.evaluate(table, emotions=["a", "b", "b"])


def test_intervals_are_students_over_the_groups():
    table = random_table()
    uars = [unweighted_average_recall(part["truth"], part["decision"]) for _, part in table.groupby("speaker")]
    found = ser_acrnn.evaluate(table).groups
    assert (found.number, found.uar.low, found.uar.high) == (6, *t_interval(uars))
    sexes = ser_acrnn.evaluate(table, group="sex").groups  # of two there is no interval
    assert (sexes.column, sexes.number) == ("sex", 2) and math.isnan(sexes.uar.low) and math.isnan(sexes.wa.high)
    assert ser_acrnn.evaluate(table.drop(columns="speaker")).groups is None


@pytest.mark.parametrize("column", ["sex", "speaker"])
def test_a_breakdown_is_what_the_subset_alone_would_be(column):
    table = random_table()
    found = ser_acrnn.evaluate(table, by=column).breakdowns
    assert list(found) == [column] and list(found[column]) == sorted(set(table[column].astype(str)))
    for value, part in found[column].items():
        alone = ser_acrnn.evaluate(table[table[column].astype(str) == value], emotions=EMOTIONS)
        assert part.to_dict() == alone.to_dict()


def test_several_columns_break_down_one_after_the_other_and_numbers_are_in_order():
    ages = TABLE.assign(age=[30, 30, 30, 30, 9, 9, 9, 100, 100])
    found = ser_acrnn.evaluate(ages, emotions=EMOTIONS, by=["sex", "age"])
    assert [list(values) for values in found.breakdowns.values()] == [["f", "m"], ["9", "30", "100"]]
    frame = found.to_frame()
    assert frame[["by", "value", "utterances", "groups"]].to_numpy().tolist() == [
        ["", "", 9, 3],
        ["sex", "f", 4, 1],
        ["sex", "m", 5, 2],
        ["age", "9", 3, 1],
        ["age", "30", 4, 1],
        ["age", "100", 2, 1],
    ]
    assert frame["uar"].tolist()[:2] == [found.uar, 0.75] and frame["uar_low"].isna().tolist() == [False] + [True] * 5


def test_results_are_worth_what_the_report_says():
    results = [*RESULTS, sample_result("09", 0, right=(0, 1, 0, 0)), sample_result("09", 1, right=(0, 1, 1, 0))]
    (row,) = Summary.of(results).rows.values()
    found = ser_acrnn.evaluate(results, by="fold")
    groups = found.groups
    assert (groups.column, groups.number, found.utterances) == ("fold", 3, 24)
    assert 100 * np.array([groups.uar.mean, groups.uar.low, groups.uar.high]) == pytest.approx([row.uar, row.low, row.high])
    assert 100 * np.array([groups.wa.mean, groups.macro_f1.mean, found.uar]) == pytest.approx([row.wa, row.f1, row.pooled_uar])
    assert found.seeds == 2 and " of 24 decisions of 2 seeds; mean over 3 folds 62.5 %" in str(found)
    assert found.breakdowns["fold"]["03"].uar == 0.75 and found.log_loss > 0


def test_result_files_and_scores_that_are_no_posteriors(tmp_path):
    paths = []
    for result in RESULTS:
        paths.append(tmp_path / "tiny" / f"{result.fold['test']}-seed{result.seed}.json")
        result.save(paths[-1])
    assert ser_acrnn.evaluate(paths).to_dict() == ser_acrnn.evaluate(RESULTS).to_dict()
    assert ser_acrnn.evaluate(paths[0]).uar == ser_acrnn.evaluate(RESULTS[0]).uar == 1
    machine = sample_result("03")
    for utterance in machine.utterances:
        utterance["posteriors"] = [score - 1 for score in utterance["posteriors"]]
    assert ser_acrnn.evaluate(machine).wa == 1 and math.isnan(ser_acrnn.evaluate(machine).log_loss)


def test_the_dictionary_is_json_without_nan():
    found = ser_acrnn.evaluate(random_table(), by="sex").to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["log_loss"] is None and found["groups"]["uar"]["low"] < found["groups"]["uar"]["mean"]
    assert (
        sum(map(sum, found["confusion"])) == found["utterances"] == sum(part["utterances"] for part in found["breakdowns"]["sex"].values())
    )


def test_the_text_has_recall_confusion_rates_and_breakdowns():
    text = ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, by=["sex", "speaker"]).to_markdown()
    assert "| sad   | 4          | 75.0      | 1     | 0       | 3   |" in text and "| neutral |" not in text.split("\n", 1)[1]
    assert (
        "UAR 77.5 % (chance 50.0 %), WA 77.8 % of 9 utterances; mean over 3 speakers 83.3 % (95 % interval 47.5 to 100.0)\nMacro F1 82.9 %"
        in text
    )
    assert "\n| f   | 4          | 50.0      | 75.0   | 75.0  | 83.3        | 1        | 75.0 " in text
    assert "\n| c       | 2          | 100.0     | 100.0  | 100.0 | 100.0       |" in text  # a speaker has no mean over speakers
    assert str(ser_acrnn.evaluate(TABLE[["truth", *EMOTIONS]], emotions=EMOTIONS)).endswith("log loss 0.544")


def test_true_emotions_may_have_other_names():
    other = TABLE.assign(truth=TABLE["truth"].replace({"sad": "grief"}))
    found = ser_acrnn.evaluate(other, emotions=EMOTIONS, mapping={"grief": "sad"}, by="sex")
    assert found.to_dict() == ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, by="sex").to_dict()
    merged = ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, mapping={"sad": "neutral", "angry": "neutral"})
    assert merged.recall == {"neutral": 1 / 9} and merged.chance == 1
    with pytest.raises(PredictionsError, match=r"predictions: no truth is 'joy', which is to be another, expected one of .*'sad'"):
        ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, mapping={"joy": "sad"})
    with pytest.raises(PredictionsError, match="truth is 'joy', expected one of"):
        ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, mapping={"sad": "joy"})
    with pytest.raises(PredictionsError, match="results hold their labels"):
        ser_acrnn.evaluate(RESULTS, mapping={"a": "b"})


def test_of_the_emotions_that_the_labels_have_the_highest_posterior_decides():
    found = ser_acrnn.evaluate(TABLE, emotions=EMOTIONS, labels_only=True)
    assert found.emotions == ("angry", "sad") and found.confusion.tolist() == [[4, 1], [1, 3]]
    second = 0.2 / (0.2 + 0.3)
    true = [8 / 9, second, 8 / 9, 6 / 7, 0.6, 2 / 9, 1, 1, 1]
    assert found.log_loss == pytest.approx(-np.log(true).mean())
    nothing = TABLE.assign(angry=0.0, neutral=1.0, sad=0.0)
    assert ser_acrnn.evaluate(nothing, emotions=EMOTIONS, labels_only=True).log_loss == pytest.approx(np.log(2))
    decided = TABLE[["speaker", "truth"]].assign(decision="angry")
    assert ser_acrnn.evaluate(decided, emotions=EMOTIONS, labels_only=True).uar == 0.5
    with pytest.raises(PredictionsError, match="neutral"):
        ser_acrnn.evaluate(decided.assign(decision="neutral"), emotions=EMOTIONS, labels_only=True)


def test_the_confusion_of_an_evaluation_is_drawn_without_what_the_truth_lacks():
    figure = evaluation_figure.draw({"mine": ser_acrnn.evaluate(TABLE, emotions=EMOTIONS)})
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["angry (5)", "sad (4)"]
    assert [text.get_text() for text in axes.texts] == ["80", "20", "0", "25", "0", "75"]


def test_the_docstrings_example_is_right():
    found = doctest.testmod(evaluating)
    assert found.attempted and not found.failed
