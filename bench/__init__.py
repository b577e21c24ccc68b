"""Benchmarks: each a command that prints ratios measured in one run, as one JSON object."""
