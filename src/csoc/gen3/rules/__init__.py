"""The rules: one module each, listed in `table.py`, described for users in docs/reference/rules (generated from here).

A rule stays quiet unless it is sure: a false alarm costs more trust than a missed finding.
"""
