"""From a cluster to one whose Argo CD reads the fleet: look, decide, act. Each can be done again at any point."""
