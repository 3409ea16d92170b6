"""Speech emotion recognition with 3-D convolutional recurrent neural networks and attention, on Keras 3.

The public names are imported lazily: importing the package imports neither TensorFlow nor Keras. As soon as Keras is imported too,
before or after, the package's layers are registered, so that `keras.saving.load_model` needs no `custom_objects`. TensorFlow is then
imported in silence, and ONNX Runtime tells nobody, see `ser_acrnn.quiet`.
"""

import importlib
import importlib.util
import sys
from typing import Any

import lazy_loader

from ser_acrnn import quiet
from ser_acrnn._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
quiet.install()


def _register_layers(_: object) -> None:
    for module in ("layers", "waveform"):  # which imports the others that have some
        importlib.import_module(f"ser_acrnn.models.{module}")


class _KerasFinder:
    """Stands first among those that find modules until Keras is looked for, and then has wrapt register the layers after its import.

    wrapt itself is imported only then: it takes as long as all else that a prediction without Keras imports of Python's library.
    """

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> Any:
        if name != "keras":
            return None
        sys.meta_path.remove(cls)
        if importlib.util.find_spec(name) is None:
            return None
        import wrapt

        wrapt.when_imported("keras")(_register_layers)
        return importlib.util.find_spec(name)


if sys.modules.get("keras"):
    _register_layers(None)
else:
    sys.meta_path.insert(0, _KerasFinder)
