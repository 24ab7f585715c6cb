"""Accounts and links: the verified trust that lets csoc act in somebody's account."""
