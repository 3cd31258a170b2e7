"""Trajectories, the replay that keeps them, and the batches of segments that updates learn from."""
