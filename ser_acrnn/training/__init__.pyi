from . import checkpoint, devices, every_epoch, finetuning, from_csv, loop, rescoring, run, systems

__all__ = ["checkpoint", "devices", "every_epoch", "finetuning", "from_csv", "loop", "rescoring", "run", "systems"]
