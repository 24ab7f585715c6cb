"""What moto leaves out or gets wrong, put right on the way to it and back: one module a service, listed in `table`."""
