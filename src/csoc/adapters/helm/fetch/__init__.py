"""Fetching charts: network and credentials, and never a template. What comes out is an archive of regular files."""
