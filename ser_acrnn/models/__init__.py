"""The networks, in `keras.ops` alone: layers, the ACRNN, the baseline, raw audio in, new heads, small files."""

import keras  # noqa: F401  here, because it has the layers registered, and no module of the folder may be half imported by then
import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
