"""Templates as values: text in, resources with properties out. Nothing here calls a service."""
