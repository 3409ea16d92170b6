"""The paper's protocol, runnable from a clone; not installed."""

import os

# TensorFlow takes oneDNN by itself only on processors with instructions for neural networks; with AVX2 alone it is faster, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
