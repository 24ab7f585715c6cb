"""Argo CD's Applications and ApplicationSets, read from files: what they name, and what they would deploy."""
