"""How objects are written: what is checked, added and owned on the way into the store of a cluster."""
