"""Steps of runs: one module a kind, listed in `csoc.operations.registry`."""
