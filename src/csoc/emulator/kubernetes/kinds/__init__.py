"""Which kinds of objects there are, and what can be said of an object by its kind alone: types, defaults, versions."""
