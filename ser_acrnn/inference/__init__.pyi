from . import attention_figure, batching, embedding, judged_batch_norm, predictions, predictor, preprocessor, speaker_adaptation
from .embedding import AcrnnEmbedding, Embedder, embed
from .predictions import Judgement, Prediction
from .predictor import Predictor

__all__ = [
    "AcrnnEmbedding",
    "Embedder",
    "Judgement",
    "Prediction",
    "Predictor",
    "attention_figure",
    "batching",
    "embed",
    "embedding",
    "judged_batch_norm",
    "predictions",
    "predictor",
    "preprocessor",
    "speaker_adaptation",
]
