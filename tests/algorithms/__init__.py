"""Tests of the learning algorithms; a package, so that Ray processes find the modules of tests/algorithms/rllib."""
