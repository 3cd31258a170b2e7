"""Benchmarks: each compares two things in one run and prints the machine's own matmul peak beside them."""
