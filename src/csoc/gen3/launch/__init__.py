"""From a few answers to a commons: documents, values, secrets and roles, as pure functions.

What a person answers is small; what the chart wants is large, scattered and unforgiving. Everything in between is
decided here and nowhere else, so that what csoc writes for a new commons is what its own rules find nothing in.
"""
