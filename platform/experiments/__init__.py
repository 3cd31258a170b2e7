"""One experiment: its specification, its run folder, its checkpoints, and the loop that runs it."""
