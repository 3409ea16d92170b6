"""How a model behaves: right and fair on labelled recordings, steady where nothing that matters has changed, quiet where nobody speaks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
