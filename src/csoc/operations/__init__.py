"""Durable runs: work with a record that survives any crash."""
