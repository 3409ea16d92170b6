from . import degradation, log_mels

__all__ = ["degradation", "log_mels"]
