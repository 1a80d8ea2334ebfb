"""Measurements of the whole path on real servers: `python -m benchmarks`."""
