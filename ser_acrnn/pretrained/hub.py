"""Networks on the Hugging Face hub: an address in, a folder on this machine out, which holds no more than a network's files."""

from __future__ import annotations

import textwrap
from pathlib import Path

ADDRESS = "hf://"  # Keras's own prefix for repositories on the hub
NETWORK = ("config.json", "metadata.json", "model.weights.h5")
EXPECTED = "expected hf://<owner>/<repository> with a network, and a connection to the hub"
_LONGEST_REASON = 200  # characters


class HubError(ValueError):
    """A network that cannot be fetched from the hub; the message is one line that names its address."""


def fetched(address: str) -> Path:
    """Downloads the files of a network, or finds those that were downloaded before.

    Args:
        address: `hf://<owner>/<repository>`.

    Returns:
        The folder, in the hub's own cache, for `ser_acrnn.models.loading.load`.

    Raises:
        HubError: huggingface_hub is not installed, the hub cannot be reached, or there is no such repository, or no network in it.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise HubError(f"{address}: needs huggingface_hub, not installed here: pip install huggingface_hub") from error
    try:
        folder = Path(snapshot_download(address.removeprefix(ADDRESS), allow_patterns=list(NETWORK)))
    except Exception as error:
        said = str(error).strip().split("\n\n")[0] or type(error).__name__
        raise HubError(f"{address}: cannot be fetched ({textwrap.shorten(said, _LONGEST_REASON)}), {EXPECTED}") from error
    if missing := [name for name in (NETWORK[0], NETWORK[2]) if not (folder / name).is_file()]:
        raise HubError(f"{address}: holds no {' and no '.join(missing)}, {EXPECTED}")
    return folder
