"""One run: devices, systems, the loop, checkpoints, folds, fine-tuning, a CSV of one's own, scoring again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
