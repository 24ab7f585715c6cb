"""Who may do what: policies as AWS evaluates them, as values without I/O.

A permission that is missing must fail here as it would in an account, so what is not understood counts against the
caller.
"""
