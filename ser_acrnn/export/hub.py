"""A network as a folder in the conventions of the Hugging Face hub, ready to be uploaded; `ser_acrnn.pretrained.hub` fetches such."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import keras

from ser_acrnn import __version__
from ser_acrnn.models.loading import NetworkError, check_parts

LABELS, CARD = "labels.json", "README.md"


def save_to_hub_folder(
    model: keras.Model, directory: str | Path, *, card: str = "", language: str = "", licence: str = "mit", datasets: tuple[str, ...] = ()
) -> Path:
    """Writes `config.json`, `metadata.json` and `model.weights.h5` as Keras has them, `labels.json`, and the card `README.md`.

    Upload the folder with `huggingface-cli upload <owner>/<name> <directory>`; `ser_acrnn.load_pretrained("hf://<owner>/<name>")` loads it.

    Args:
        model: A network of `ser_acrnn.models.networks`.
        directory: The folder; it is made, and what is in it is replaced file by file, but for a card that is there when none is given.
        card: What the model is, in Markdown; of a shipped network `ser_acrnn.pretrained.model_card(name)`.
        language: The language that is spoken, as the hub writes it, such as `de`.
        licence: As the hub writes it.
        datasets: The hub's names of what it was trained on.

    Returns:
        The folder.

    Raises:
        NetworkError: The model does not name its emotions, or not its features; or the folder is a file.
    """
    check_parts(model, parts=("normalise", "emotion"))
    emotions = list(model.get_layer("emotion").emotions)
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise NetworkError(f"{directory}: is a file, expected a folder, or a name for a new one")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=directory) as made:
        keras.saving.save_model(model, made, zipped=False)
        for part in Path(made).iterdir():
            if (place := directory / part.name).is_dir():
                shutil.rmtree(place)
            part.replace(place)
    labels = {"emotions": emotions, "recipe_hash": model.get_layer("normalise").recipe_hash, "scope": model.get_layer("normalise").scope}
    (directory / LABELS).write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
    facts = [
        f"license: {licence}",
        "library_name: keras",
        "pipeline_tag: audio-classification",
        "tags: [speech-emotion-recognition, keras, ser_acrnn]",
        *([f"language: {language}"] if language else []),
        *([f"datasets: [{', '.join(datasets)}]"] if datasets else []),
    ]
    if (directory / CARD).exists() and not card:
        return directory
    body = card or f"# {model.name}\n\nA speech emotion recogniser for {', '.join(emotions)}."
    use = f"""## Load it

```python
import ser_acrnn  # pip install ser_acrnn, version {__version__} or newer

prediction = ser_acrnn.Predictor("hf://<owner>/<name>").predict("recording.wav")
```
"""
    (directory / CARD).write_text("\n".join(["---", *facts, "---", "", body.strip(), "", use]), encoding="utf-8")
    return directory
