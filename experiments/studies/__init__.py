"""Studies beside the grid: the same networks and corpora under another question."""
