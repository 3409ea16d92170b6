"""Corpora on disk: a file each, which knows names, counts and defects and registers itself by being here."""
