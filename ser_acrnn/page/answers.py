"""What a network says of a recording -> HTML that says it in words: decision, shares, what was heard, each window of a long one."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ser_acrnn.inference.predictions import Prediction, WindowPrediction
from ser_acrnn.inference.preprocessor import LONGEST_UTTERANCE_SECONDS

WORDS = """
- **Shares** say how the network leans between the emotions it knows; they sum to one. It leans too far at times: how often it is right on
  voices that it has never heard stands in its card, below.
- **unsure**: the recording is like nothing that the network was trained on, so that the emotion it leans to means nothing. Most noises and
  music are, and some voices and rooms.
- **No speech**: nothing stands out from the noise of the room for long enough; nothing is said then.
- **Speech heard**: what is left when silence before and after the speech, and long pauses, are cut out. Of a second of speech less can be
  said than of three.
- **Above the noise**: how far the speech is above the noise of the room, estimated in decibels; the lower, the less an answer is worth.
- **Attention**: which moments the answer was drawn from. It does not say why.
- **Each window**: of a recording of more than a minute each 3 s are judged, every second, and the answer is their mean.
"""


def refused(sentence: str) -> str:
    """Why there is no answer."""
    return f"<p class='refused' role='alert'>{escape(sentence)}</p>"


def left_out(sentences: Sequence[str], total: int) -> str:
    """Which of the speaker's other recordings could not be used; empty where all could."""
    if not sentences:
        return ""
    listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<div class='refused' role='alert'>{len(sentences)} of {total} recordings could not be used:<ul>{listed}</ul></div>"


def told(name: str, prediction: Prediction, adapted_to: int = 0) -> str:
    """A recording's decision, the shares of the emotions, and what was heard.

    Args:
        name: The recording's.
        prediction: What the network says of it.
        adapted_to: Recordings of the speaker that the network was adapted to before.
    """
    ranked = sorted(prediction.posteriors.items(), key=lambda item: -item[1])
    rows = "".join(
        f"<tr><th scope='row'>{escape(emotion)}</th><td class='share'><div style='width:{100 * share:.1f}%'></div></td>"
        f"<td>{share:.2f}</td></tr>"
        for emotion, share in ranked
    )
    return (
        f"<h2>{_decision(prediction)}</h2><p>{escape(name)}: {_leaning(prediction, ranked[0][1])}</p>"
        f"<table class='shares'><caption>Shares of the emotions</caption>{rows}</table>"
        f"<dl>{''.join(f'<dt>{term}</dt><dd>{words}</dd>' for term, words in _facts(prediction, adapted_to).items())}</dl>"
    )


def drawn(address: str, name: str, prediction: Prediction) -> str:
    """A figure of the recording, from the address of its picture."""
    times, weights = prediction.attention()
    seen = (
        f"Waveform, log-Mels, attention and posteriors of {name} over time. The attention is greatest at {times[weights.argmax()]:.1f} s."
    )
    return f"<img src='{address}' alt='{escape(seen, quote=True)}'>"


def timeline(prediction: Prediction) -> str:
    """The windows of a recording that is judged by them; empty of one that is judged as a whole."""
    if prediction.seconds <= LONGEST_UTTERANCE_SECONDS:
        return ""
    rows = "".join(
        f"<tr><th scope='row'>{_clock(window.start_seconds)} to {_clock(window.end_seconds)}</th>{_judged(window)}</tr>"
        for window in prediction.segments
    )
    head = "<tr><th scope='col'>time</th><th scope='col'>emotion</th><th scope='col'>share</th></tr>"
    return (
        "<h3>Each window of 3 s</h3><div class='windows' tabindex='0' role='region' aria-label='Each window of 3 s'>"
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
    )


def _decision(said: Prediction | WindowPrediction) -> str:
    return "unsure" if said.unsure else escape(str(said.emotion))


def _leaning(prediction: Prediction, share: float) -> str:
    emotion = escape(prediction.emotion)
    if prediction.unsure:
        return f"it is like nothing that the network was trained on. The network leans to {emotion}, which means nothing."
    return f"of the {len(prediction.posteriors)} emotions that the network knows, it leans to {emotion}, with a share of {share:.2f}."


def _facts(prediction: Prediction, adapted_to: int) -> dict[str, str]:
    facts = {
        "Speech heard": f"{prediction.speech_seconds:.2f} s",
        "Above the noise": f"{prediction.signal_to_noise_decibels:.0f} dB, estimated",
        "Unlike the training": f"{prediction.unfamiliarity:.2f}; beyond 1 the network is unsure",
    }
    if flawed := sum(bool(window.flaw) for window in prediction.segments):
        facts["Not judged"] = f"{flawed} of {len(prediction.segments)} windows, see below"
    if adapted_to:
        facts["Adapted to"] = f"{adapted_to} recordings of the speaker, this one among them"
    return facts


def _judged(window: WindowPrediction) -> str:
    if window.flaw:
        return f"<td colspan='2'>not judged: it {escape(window.flaw)}</td>"
    return f"<td>{_decision(window)}</td><td>{max(window.posteriors.values()):.2f}</td>"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"
