"""`csoc plan`, `csoc approve` and what they show."""
