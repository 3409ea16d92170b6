"""A network behind HTTP: recordings in, JSON out; what `ser-acrnn serve` runs. Needs the extra `serve`."""
