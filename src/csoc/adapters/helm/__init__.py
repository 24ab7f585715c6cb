"""Helm: fetching charts, and rendering them in a locked-in child process."""
