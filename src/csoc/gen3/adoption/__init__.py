"""Makes a fleet out of repositories that know nothing of csoc: by the shape of what is there, not by folder names.

Every inferred fact carries its reason, so that a reader can disagree; what a person has written in a csoc document
overrules it.
"""
