from . import (
    attention_figure,
    batching,
    embedder,
    embedding,
    predictions,
    predictor,
    preprocessor,
    runtimes,
    speaker_adaptation,
    transductive_batch_norm,
)
from .embedder import Embedder
from .embedding import AcrnnEmbedding, embed
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
    "embedder",
    "embedding",
    "predictions",
    "predictor",
    "preprocessor",
    "runtimes",
    "speaker_adaptation",
    "transductive_batch_norm",
]
