"""The proof against faults: kills, malformed audio and files, failing writes, processes that work at once; `make stress` runs it."""
