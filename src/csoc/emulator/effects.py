"""What a fault can do to a call: for the emulator that does it, and the command line that asks for it."""

EFFECTS = ("throttle", "latency", "deny", "error", "timeout", "reset", "resource")
