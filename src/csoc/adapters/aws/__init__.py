"""AWS: the only package that imports its client."""
