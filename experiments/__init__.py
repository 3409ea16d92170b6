"""The paper's protocol, runnable from a clone; not installed."""
