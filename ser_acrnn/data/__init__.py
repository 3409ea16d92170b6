"""Corpora: a CSV of one's own, prepared records, what a fold may read of them, segments for training."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
