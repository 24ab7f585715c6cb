"""Layers, plans and their application: from documents of the fleet to stacks in a linked account."""
