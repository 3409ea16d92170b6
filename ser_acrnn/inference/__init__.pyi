from . import attention_figure, batching, embedding, predictions, predictor, preprocessor, speaker_adaptation, transductive_batch_norm
from .embedding import AcrnnEmbedding, Embedder, embed
from .predictions import Prediction, WindowPrediction
from .predictor import Predictor

__all__ = [
    "AcrnnEmbedding",
    "Embedder",
    "Prediction",
    "Predictor",
    "WindowPrediction",
    "attention_figure",
    "batching",
    "embed",
    "embedding",
    "predictions",
    "predictor",
    "preprocessor",
    "speaker_adaptation",
    "transductive_batch_norm",
]
