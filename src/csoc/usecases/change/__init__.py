"""Changing settings across environments: where each one is written, what the change does, and proposing it."""
