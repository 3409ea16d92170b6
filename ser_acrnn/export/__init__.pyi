from . import checks, exporting, formats, hub, light
from .exporting import export
from .hub import save_to_hub_folder

__all__ = ["checks", "export", "exporting", "formats", "hub", "light", "save_to_hub_folder"]
