"""What the tests of exports share."""

import shutil
from contextlib import contextmanager

import pytest

from ser_acrnn.export import formats


@contextmanager
def _one_graph(folder):
    write = formats._write_saved_model

    def once(model, path, quantize, batch=None):
        if batch is None:
            return write(model, path, quantize)
        if not folder.exists():
            write(model, folder, quantize, batch)
        shutil.copytree(folder, path, dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats, "_write_saved_model", once)
        yield


@pytest.fixture(scope="session")
def one_graph(tmp_path_factory):
    """Within what it returns, LiteRT files of one network are converted from one SavedModel: quantisation, where they part, comes later."""
    return lambda: _one_graph(tmp_path_factory.mktemp("graph") / "saved_model")
