"""The paper's protocol, runnable from a clone; not installed."""

import os

import ser_acrnn  # noqa: F401  # before a module imports Keras, so that TensorFlow is silent

# TensorFlow takes oneDNN by itself only on processors with instructions for neural networks; with AVX2 alone it is faster, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
