"""From an Application's sources to layers of values."""
