"""What the page says of its network before anybody asks: what it knows, whom it heard in training, and what it is not for."""

from __future__ import annotations

import re

from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import describe, list_pretrained, model_card

NOT_FOR_PEOPLE = "It must not be used to judge people: not in hiring, schooling, policing, credit, insurance or medicine."


def limits(predictor: Predictor) -> str:
    """What the network knows and its limits, as Markdown: a shipped one's are those of its card."""
    if predictor.name in list_pretrained():
        return (
            f"The network `{predictor.name}`: {describe(predictor.name)}.\n\n**Limits**: {_section(model_card(predictor.name), 'Limits')}"
        )
    known = f"The network `{predictor.name}`: {len(predictor.emotions)} emotions ({', '.join(predictor.emotions)})."
    return f"{known} What it was trained on is for its owner to say.\n\n**Limits**: {NOT_FOR_PEOPLE}"


def about(predictor: Predictor) -> str:
    """A shipped network's card; of another one what it says of itself. Markdown."""
    if predictor.name in list_pretrained():
        return re.sub(r"\A# .*\n", "", model_card(predictor.name))
    network = predictor.network
    return (
        f"{network.parameters:,} parameters on {network.runtime}; emotions: {', '.join(predictor.emotions)}; normalised by: "
        f"{predictor.preprocessor.scope}."
    )


def _section(markdown: str, heading: str) -> str:
    return markdown.split(f"\n## {heading}\n")[1].split("\n## ")[0].strip()
