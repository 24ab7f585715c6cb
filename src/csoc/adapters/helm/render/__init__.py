"""Rendering charts: templates in a locked-in child process, and never a network or a credential."""
