"""Corpora that are generated, laid out as real ones are, so that everything can be tried without a licence."""
