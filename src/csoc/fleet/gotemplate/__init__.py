"""Go's text/template, cut into tokens and parsed: for who runs templates, and for who only reads them."""
