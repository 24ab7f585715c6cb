"""One module a layer: `build` puts its resources into a stack."""
