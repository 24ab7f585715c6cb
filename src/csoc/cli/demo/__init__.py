"""`csoc demo`: the whole job on an emulated cloud, and a fleet that somebody adopted beside it."""
