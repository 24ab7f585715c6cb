"""csoc's own documents: what a person wrote down about the fleet, and what csoc wrote down for them to correct.

Whatever stands in a document overrules what csoc infers from the repositories, so reading them is strict: a misspelt
key that was silently ignored would be a correction that does not correct. Every fault of every document is reported at
once, with file, line and field, and a faulty document costs nothing but itself.

`model` and `judgements` hold the kinds, `layout` where they stand, `reading` reads and `crosschecks` compares them,
`writing` and `init` write them, `schemas` describes them to editors and readers.
"""
