"""Clusters that speak the Kubernetes API and behave like ones with Argo CD in them; thousands fit into one process.

They are kept honest by contract suites that run on real clusters as well (tests/contract, tests/testbed).
"""
