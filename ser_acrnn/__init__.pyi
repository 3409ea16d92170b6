from . import audio, auditing, augmentation, cli, config, data, evaluation, export, features, inference, models, pretrained, training
from ._version import __version__
from .audio import AudioError
from .auditing import Audit, SplitError, audit
from .config import ConfigError, FeatureConfig, ModelConfig, TrainConfig, preset
from .data import CorpusError, DatasetError, Utterance, read_csv
from .evaluation import (
    Evaluation,
    Fold,
    LeakError,
    PredictionsError,
    ResultError,
    RunResult,
    evaluate,
    leave_one_speaker_out,
    metrics,
    protocol,
    unweighted_average_recall,
)
from .export import save_to_hub_folder
from .features import log_mels_3d
from .inference import AcrnnEmbedding, Prediction, Predictor, WindowPrediction, embed
from .models import acrnn, encoder, layers, waveform_model, with_new_head
from .models.layers import AttentionPooling
from .pretrained import list_pretrained, load_pretrained

__all__ = [
    "AcrnnEmbedding",
    "AttentionPooling",
    "AudioError",
    "Audit",
    "ConfigError",
    "CorpusError",
    "DatasetError",
    "Evaluation",
    "FeatureConfig",
    "Fold",
    "LeakError",
    "ModelConfig",
    "Prediction",
    "PredictionsError",
    "Predictor",
    "ResultError",
    "RunResult",
    "SplitError",
    "TrainConfig",
    "Utterance",
    "WindowPrediction",
    "__version__",
    "acrnn",
    "audio",
    "audit",
    "auditing",
    "augmentation",
    "cli",
    "config",
    "data",
    "embed",
    "encoder",
    "evaluate",
    "evaluation",
    "export",
    "features",
    "inference",
    "layers",
    "leave_one_speaker_out",
    "list_pretrained",
    "load_pretrained",
    "log_mels_3d",
    "metrics",
    "models",
    "preset",
    "pretrained",
    "protocol",
    "read_csv",
    "save_to_hub_folder",
    "training",
    "unweighted_average_recall",
    "waveform_model",
    "with_new_head",
]
