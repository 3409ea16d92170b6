"""How the experiments' commands are told where everything is."""


def places(small_corpus, folder):
    """The words with which they take the corpus, one epoch, and the folder's `results`, `work` and `models`."""
    return [f"--prepared={small_corpus}", *(f"--{name}={folder / name}" for name in ("results", "work", "models")), "--epochs=1"]
