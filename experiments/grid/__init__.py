"""The grid of runs: systems x folds x seeds, each to one result file."""
