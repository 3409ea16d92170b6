"""Speech emotion recognition with 3-D convolutional recurrent neural networks and attention, on Keras 3.

The public names are imported lazily: importing the package imports neither TensorFlow nor Keras. As soon as Keras is imported too,
before or after, the package's layers are registered, so that `keras.saving.load_model` needs no `custom_objects`. TensorFlow is then
imported in silence, see `ser_acrnn.quiet`.
"""

import importlib

import lazy_loader
import wrapt

from ser_acrnn import quiet
from ser_acrnn._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
quiet.install()


@wrapt.when_imported("keras")
def _register_layers(_: object) -> None:
    for module in ("layers", "front_end"):
        importlib.import_module(f"ser_acrnn.models.{module}")
