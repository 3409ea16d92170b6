"""What a model has to reach to pass each test: every bound, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bounds:
    """Bounds of the tests. They are conventions, chosen so that a usable model passes and a broken or partial one does not.

    Attributes:
        least_usable: Share of the recordings that the model has to judge.
        least_above_chance: By how much the lower end of the UAR's interval has to exceed chance, at which a constant answer is.
        least_recall: Of each emotion, as a multiple of chance.
        most_sex_difference: Between the UAR of two sexes.
        most_gini: Of the speakers' UAR: 0, all the same; 1, one has all.
        least_worst_speaker: Lowest UAR of a speaker, as a share of the speakers' mean.
        most_group_loss: By which the UAR of a third of the recordings, by length or pitch, may fall below that of all.
        most_calibration_error: Expected calibration error.
        least_same_silence: Share of decisions that stay with silence around the recording.
        least_same_level: The same with another level.
        least_same_noise: The same with noise 20 dB below the speech.
        least_same_band: The same by telephone.
        least_same_codec: The same through lossy coding.
        least_same_room: The same in a room.
        least_same_tempo: The same a tenth faster or slower.
        most_named: Share of sounds without speech that are called an emotion.
        least_confidence: Posterior from which on a sound counts as called so, where a model cannot say that it is unsure.
        least_agreement: Share of decisions that an export has to share with its network.
    """

    least_usable: float = 0.99
    least_above_chance: float = 0.01
    least_recall: float = 1.0
    most_sex_difference: float = 0.1
    most_gini: float = 0.15
    least_worst_speaker: float = 0.5
    most_group_loss: float = 0.1
    most_calibration_error: float = 0.1
    least_same_silence: float = 0.9
    least_same_level: float = 0.95
    least_same_noise: float = 0.7
    least_same_band: float = 0.6
    least_same_codec: float = 0.8
    least_same_room: float = 0.6
    least_same_tempo: float = 0.7
    most_named: float = 0.5
    least_confidence: float = 0.5
    least_agreement: float = 0.99


BOUNDS = Bounds()
