"""Published corpora on disk -> prepared corpora; run from a clone, not installed."""
