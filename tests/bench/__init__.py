"""Benchmarks: each figure beside its reference from the same run. `make bench`, or `make bench ONLY=page_latency`."""
