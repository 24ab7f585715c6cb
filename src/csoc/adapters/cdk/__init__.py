"""Templates by csoc_infra, in a warm child process."""
