"""Clusters as csoc sees them: what it may ask of one, and what Argo CD in it says."""
