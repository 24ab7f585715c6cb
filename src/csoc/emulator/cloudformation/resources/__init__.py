"""How each type of resource is made, changed, deleted and read: one module a service, listed in `table`."""
