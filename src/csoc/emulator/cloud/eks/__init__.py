"""The Elastic Kubernetes Service of the emulator: `service` answers, with what it answers about beside it."""
