"""Results with figures that can be worked out by hand, for the tests of what is made from results."""

from ser_acrnn.config.features import FEATURE_RECIPES
from ser_acrnn.evaluation.results import RunResult

EMOTIONS = ["angry", "sad"]
RECIPE = FEATURE_RECIPES["paper"]


def sample_result(speaker="03", seed=0, system="tiny", corpus="emodb", right=(1, 1, 1, 1), protocol="leave-one-speaker-out"):
    """Four utterances, two an emotion, decided rightly or wrongly as `right` says."""
    utterances = []
    for number, hit in enumerate(right):
        truth = number // 2
        decided = truth if hit else 1 - truth
        posteriors = [0.9 if index == decided else 0.3 for index in range(2)]
        utterances.append({"id": f"{speaker}u{number}", "emotion": EMOTIONS[truth], "posteriors": posteriors})
    curve = [
        {"epoch": epoch, "loss": 1 / epoch, "validation_loss": 1.5 / epoch, "validation_uar": min(0.9, 0.2 * epoch)} for epoch in (1, 2, 3)
    ]
    return RunResult(
        corpus=corpus,
        system=system,
        fold={"train": ["x", "y"], "validation": "z", "test": speaker},
        seed=seed,
        emotions=EMOTIONS,
        utterances=utterances,
        chosen_epoch=3,
        validation_curve=curve,
        recipe_hash=RECIPE.recipe_hash,
        config={"features": RECIPE.to_dict(), "model": {"emotions": EMOTIONS}, "training": {}},
        version="0.1.0",
        backend="tensorflow 2, keras 3",
        device="cpu: a processor, 2 cores",
        precision="float32",
        wall_seconds=36.0,
        protocol=protocol,
    )


# UAR 100 and 50 for speaker 03, 75 and 75 for speaker 08.
RESULTS = [
    sample_result("03", 0),
    sample_result("03", 1, right=(1, 1, 0, 0)),
    sample_result("08", 0, right=(1, 1, 1, 0)),
    sample_result("08", 1, right=(0, 1, 1, 1)),
]
