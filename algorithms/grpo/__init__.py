"""GRPO (after Luo and Zhu 2026): groups of sub-trajectories from common states, and the update on them."""
