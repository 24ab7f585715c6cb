"""A check's verdict in the formats that people, CI systems and programs read. Each is a function of the verdict."""
