"""The ports in memory. They pass the same contract suites as the adapters, and ship so that others can test too."""
