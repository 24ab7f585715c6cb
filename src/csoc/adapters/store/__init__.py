"""What csoc keeps on this machine's disk: one SQLite file as the cache."""
