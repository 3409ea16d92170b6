"""A waveform -> 3-D log-Mels -> 3 s segments; the baseline's frames; means and variances."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
