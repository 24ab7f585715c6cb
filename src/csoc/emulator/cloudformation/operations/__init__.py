"""The API of CloudFormation: what a request must hold, what may be asked of a stack in which status, what is told."""

from csoc.emulator.cloudformation.operations.api import CloudFormation

__all__ = ["CloudFormation"]
