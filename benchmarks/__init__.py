"""Benchmarks: what is claimed about speed and memory, measured. They print and judge nothing."""
