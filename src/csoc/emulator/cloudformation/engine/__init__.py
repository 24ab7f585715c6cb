"""What happens to a stack after a request was accepted: it is created, updated, deleted, or rolled back."""

from csoc.emulator.cloudformation.engine.engine import Engine
from csoc.emulator.cloudformation.engine.work import Fault

__all__ = ["Engine", "Fault"]
