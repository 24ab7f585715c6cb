"""Runs Go templates as an ApplicationSet uses them, with the functions that Argo CD offers.

The trees come from `fleet.gotemplate`, which parses for all who meet Go templates and knows no function.
"""
