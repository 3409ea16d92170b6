"""Whether posteriors mean what they say: reliability, expected calibration error, and a temperature fitted on other speakers.

C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from ser_acrnn.evaluation.results import RunResult

BINS = 10
SMALLEST = 1e-7  # posterior before its logarithm
COLDEST, HOTTEST = 0.05, 20.0  # temperatures that are searched


@dataclass(frozen=True)
class ScoredUtterances:
    """Posteriors of utterances, and which class is true.

    Attributes:
        posteriors: Each row sums to one, shape `(utterances, classes)`.
        truth: Class numbers, shape `(utterances,)`.
    """

    posteriors: NDArray[np.float64]
    truth: NDArray[np.int64]

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Posterior of the decision."""
        return self.posteriors.max(axis=1)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the decision is true."""
        return self.posteriors.argmax(axis=1) == self.truth

    @property
    def log_loss(self) -> float:
        """Mean negative logarithm of the true class's posterior."""
        true = self.posteriors[np.arange(len(self.truth)), self.truth]
        return float(0.0 - np.log(np.maximum(true, SMALLEST)).mean())  # 0 where all are 1, not -0


def scored_utterances(utterances: Sequence[dict], emotions: Sequence[str]) -> ScoredUtterances:
    """What a result's `utterances` or `validation_utterances` hold, the maxima over segments scaled to sum to one."""
    maxima = np.array([utterance["posteriors"] for utterance in utterances], float)
    truth = np.array([list(emotions).index(utterance["emotion"]) for utterance in utterances])
    return ScoredUtterances(maxima / maxima.sum(axis=1, keepdims=True), truth)


def scaled(posteriors: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Posteriors at a temperature: above 1 less sure of themselves, below 1 surer; the decision stays.

    Args:
        posteriors: Shape `(utterances, classes)`.
        temperature: Positive.
    """
    logits = np.log(np.maximum(np.asarray(posteriors, float), SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fitted_temperature(known: ScoredUtterances) -> float:
    """The temperature with the least log loss on known utterances, which are not those that it will be applied to."""
    found = minimize_scalar(
        lambda logarithm: ScoredUtterances(scaled(known.posteriors, np.exp(logarithm)), known.truth).log_loss,
        bounds=(np.log(COLDEST), np.log(HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in equally wide bins of confidence; NaN in an empty one.

    Attributes:
        share: The share of the utterances that falls into each bin.
        confidence: Mean of the bin.
        accuracy: Share of right decisions in the bin.
    """

    share: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of accuracy and confidence, bins weighted by their utterances; 0 to 1."""
        return float(np.nansum(self.share * np.abs(self.accuracy - self.confidence)))


def reliability(judged: ScoredUtterances, bins: int = BINS) -> Reliability:
    """Sorts decisions into bins by their confidence."""
    number = np.minimum((judged.confidence * bins).astype(int), bins - 1)
    counts = np.bincount(number, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (np.bincount(number, values, minlength=bins) / counts for values in (judged.confidence, judged.right))
    return Reliability(counts / len(number), confidence, accuracy)


@dataclass(frozen=True)
class Calibration:
    """One system's calibration over all its runs.

    Attributes:
        system: The system's name.
        temperatures: The temperature of each run.
        on_validation: Whether each was fitted on its run's validation speaker; if not, on the other test speakers of its seed.
        before: All test utterances as they were judged.
        after: The same at their run's temperature.
    """

    system: str
    temperatures: tuple[float, ...]
    on_validation: bool
    before: ScoredUtterances
    after: ScoredUtterances


def calibration(results: Sequence[RunResult]) -> Calibration | None:
    """Calibrates each run of a system on its validation speaker; where there are no posteriors of one, on the test speakers of other folds.

    The latter are judged by networks that may have trained on the run's test speaker. That is no way to choose a network, and nothing is
    chosen: a temperature is one number, and changes no decision.

    Args:
        results: Runs of one system.

    Returns:
        None where there is no other speaker, or the scores are not posteriors.
    """
    if min(min(utterance["posteriors"]) for result in results for utterance in result.utterances) < 0:
        return None
    on_validation = all(result.validation_utterances for result in results)
    tested = [scored_utterances(result.utterances, result.emotions) for result in results]
    temperatures, after = [], []
    for result, judged in zip(results, tested, strict=True):
        if on_validation:
            known = [scored_utterances(result.validation_utterances, result.emotions)]
        else:
            same_seed = zip(results, tested, strict=True)
            known = [found for other, found in same_seed if other.seed == result.seed and other.fold["test"] != result.fold["test"]]
        if not known:
            return None
        temperatures.append(fitted_temperature(_ensemble(known)))
        after.append(ScoredUtterances(scaled(judged.posteriors, temperatures[-1]), judged.truth))
    return Calibration(results[0].system, tuple(temperatures), on_validation, _ensemble(tested), _ensemble(after))


def _ensemble(parts: Sequence[ScoredUtterances]) -> ScoredUtterances:
    return ScoredUtterances(np.concatenate([part.posteriors for part in parts]), np.concatenate([part.truth for part in parts]))
