"""Argo CD in a simulated cluster: its application controller, and a port for what its repo server does.

Behaviour and words follow Argo CD 3.2.1 and gitops-engine v0.7.1-0.20251108235403-13d5172d3ee2; each module names the
files of them that it follows. Applications deploy into their own cluster (`in-cluster`).
"""
