"""The card of a network of several corpora: its sources, and what it is worth on corpora that it has not heard."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import shipped
from experiments.cross_corpus import results as across
from experiments.cross_corpus.recordings import SIX, Recording
from experiments.reporting import model_cards, pooled_cards
from experiments.studies import left_out, unheard_speakers
from ser_acrnn.evaluation import results_manifest
from ser_acrnn.evaluation.results import RunResult
from ser_acrnn.pretrained import model_card

ABOUT = {
    "corpus": "crema_d+banglaser+emodb",
    "system": "by-utterance",
    "emotions": list(SIX),
    "normalisation": "utterance",
    "parameters": 1,
    "recipe_hash": "0",
    "seed": 0,
    "epochs": 1,
    "precision": "float32",
    "backend": "keras",
    "device": "cpu",
}
EMOTION_OF = {"03": "happy", "04": "sad", "05": "angry", "06": "fear", "07": "disgust", "01": "neutral"}


def saved(folder, condition, surely):
    """RAVDESS by one man and one woman, a recording an emotion each: of the man all are right, of the woman all are called sad."""
    recordings = [
        Recording("ravdess", f"03-01-{code}-01-01-01-{actor}", f"ravdess/{actor}", emotion, folder / "x.wav", "0")
        for actor in ("01", "02")
        for code, emotion in EMOTION_OF.items()
    ]
    decided = [one.emotion if one.speaker.endswith("01") else "sad" for one in recordings]
    scores = np.array([[surely if emotion == decision else (1 - surely) / 5 for emotion in SIX] for decision in decided])
    cell = across.Cell("mine", condition, tuple(ABOUT["corpus"].split("+")), "ravdess", SIX)
    facts = {
        "recipe_hash": "0",
        "config": {},
        "backend": "keras",
        "device": "cpu",
        "precision": "float32",
        "wall_seconds": 1.0,
        "chosen": {},
    }
    across.of(cell, recordings, scores, **facts).save(cell.file(folder))


@pytest.fixture
def card(tmp_path):
    saved(tmp_path, "unadapted", 0.75)
    saved(tmp_path, "halves", 0.75)
    utterances = [{"id": f"emodb/{number}", "emotion": emotion, "posteriors": [1, 0, 0, 0, 0, 0]} for number, emotion in enumerate(SIX)]
    fold = {"train": ["crema_d", "banglaser"], "validation": None, "test": "emodb"}
    one = RunResult("pool", "by-utterance", fold, 0, list(SIX), utterances, 1, [], "", {}, "", "", "", "float32", 1.0)
    for recipe, by in (("by-utterance", "utterance"), ("by-training", "training"), ("other", "utterance"), ("by-speaker", "speaker")):
        of_recipe = replace(one, system=recipe, config={"model": {"normalisation": by}})
        of_recipe.save(tmp_path / left_out.FOLDER / recipe / "emodb-seed0.json")
    for speaker in ("03", "08", "09"):
        heard = [{**each, "id": f"emodb/{speaker}{each['emotion']}"} for each in utterances]
        group = {"train": ["crema_d", "banglaser"], "validation": None, "test": f"emodb-{speaker}"}
        of_group = replace(one, fold=group, utterances=heard)
        of_group.save(tmp_path / unheard_speakers.FOLDER / "by-utterance" / f"emodb-{speaker}-seed0.json")
    known = [results_manifest.Row(f"{one}{emotion}", one, "", emotion, "0") for one in ("03", "08", "09") for emotion in SIX]
    results_manifest.write(tmp_path / "emodb", known)
    (tmp_path / "index.json").write_text(json.dumps({"mine": ABOUT}))
    return model_cards.write("mine", tmp_path, tmp_path).read_text()


def rows(card):
    lines = [line.strip("|").split("|") for line in card.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line] for line in lines]


def test_it_says_what_it_is_worth_on_unheard_speakers_of_a_corpus_that_it_knows(card):
    assert "Trained without some speakers of Emo-DB and judged on these" in card and "speakers of CREMA-D" not in card
    assert ["`by-utterance`", "3", "16.7 ± 0.0", "16.7 to 16.7"] in [row[:4] for row in rows(card)]


def test_it_names_its_sources_and_their_licences(card):
    found = {row[0]: row for row in rows(card)}
    assert found["CREMA-D"][1:4] == ["English", ", ".join(SIX), "ODbL 1.0"] and "Cao" in found["CREMA-D"][4]
    assert found["BanglaSER"][1:4] == ["Bangla", "angry, sad, happy, neutral", "CC BY 4.0"]


def test_it_says_what_it_is_worth_on_what_it_has_not_heard(card):
    found = rows(card)
    # The man's six are right and of the woman's only the sad one: each recall is a half but for that of sad.
    assert ["RAVDESS", "English", "12", "unadapted", "62.5", "58.3"] in found and [
        "RAVDESS",
        "English",
        "12",
        "halves",
        "62.5",
        "58.3",
    ] in found
    assert ["RAVDESS", "sex male", "6", "100.0"] in found and ["RAVDESS", "sex female", "6", "16.7"] in found
    assert "differ by 16.7 points on RAVDESS" in card  # sure by 0.75, right by 7 / 12
    # Recipes by the speaker have heard whom they judge, and do not stand beside it.
    assert ["left out", "language", "emotions", "`by-utterance`", "`by-training`", "`other`"] in found
    assert ["Emo-DB", "German", "6", "16.7", "16.7", "16.7"] in found


def test_of_one_that_normalises_by_the_speaker_nothing_is_said_to_be_unheard(card, tmp_path):
    about = {**ABOUT, "system": "by-speaker", "normalisation": "speaker"}
    (tmp_path / "index.json").write_text(json.dumps({"mine": about}))
    text = model_cards.write("mine", tmp_path, tmp_path).read_text()
    assert "`ser-acrnn predict --same-speaker --model mine recordings/`" in text and "nothing heard before" not in text
    assert "six emotions, one half of a speaker's recordings heard" in text and ["RAVDESS", "sex male", "6", "100.0"] in rows(text)
    assert "judged on that one, all of each speaker's recordings heard" in text
    assert ["left out", "language", "emotions", "`by-speaker`"] in rows(text)
    assert 'make train-open OPEN="--recipe by-speaker --name mine"' in text and "RAVDESS (expected calibration error)" in text


def test_what_was_not_measured_is_said_so(tmp_path):
    (tmp_path / "index.json").write_text(json.dumps({"mine": ABOUT}))
    text = model_cards.write("mine", tmp_path, tmp_path).read_text()
    assert "confidence is worth has not been measured" in text and "left out, has not been measured" in text


@pytest.mark.parametrize("name", [name for name, about in shipped.index().items() if len(shipped.learned_from(about)) > 1])
def test_the_card_that_ships_is_that_of_the_committed_results(name):
    results = Path(__file__).parents[3] / "results"
    assert model_card(name) == pooled_cards.card(name, shipped.index()[name], results, model_cards.use(name, shipped.index()[name]))
