"""The command line: one module a command group. It parses, calls a use case, and prints; it decides nothing."""
