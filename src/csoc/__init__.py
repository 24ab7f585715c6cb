"""Commons Services Operations Center: set up, check, change and operate a fleet of Gen3 data commons."""

__version__ = "0.1.0"
