"""What a person wants, as functions: the command line (and later the portal) calls these and nothing below them."""
