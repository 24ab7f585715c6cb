"""The API of CloudFormation as one service. What is not listed here is refused by name by the endpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from csoc.emulator.cloud.calls import Call, Operation
from csoc.emulator.cloudformation.engine import Engine
from csoc.emulator.cloudformation.operations.change_sets import ChangeSetOperations
from csoc.emulator.cloudformation.operations.changing_stacks import StackOperations
from csoc.emulator.cloudformation.operations.detecting_drift import DriftOperations
from csoc.emulator.cloudformation.operations.examining_templates import TemplateOperations
from csoc.emulator.cloudformation.operations.listing import ListingOperations
from csoc.emulator.cloudformation.operations.requests import Requests
from csoc.emulator.cloudformation.outside import Acting, Outside
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.stack_records import Stacks
from csoc.emulator.timeline import Timeline


class CloudFormation:
    """Operations of CloudFormation. handlers make resources; see Engine."""

    name = "cloudformation"

    def __init__(
        self,
        engine: Engine,
        timeline: Timeline,
        inside: Acting,
        schemas: Schemas,
        outside: Outside,
        ids: Callable[[], str],
    ) -> None:
        self.engine = engine
        self._stacks: dict[tuple[str, str], Stacks] = {}
        self._lock = threading.Lock()
        requests = Requests(timeline, inside, outside, ids)
        self._operations: dict[str, Operation] = {}
        for group in (
            StackOperations(engine, requests, schemas, self._of),
            ChangeSetOperations(engine, requests, schemas, self._of),
            ListingOperations(self._of),
            TemplateOperations(requests, schemas, self._of),
            DriftOperations(engine, requests, schemas, self._of),
        ):
            self._operations |= group.operations

    @property
    def operations(self) -> Mapping[str, Operation]:
        return self._operations

    def stacks(self, account: str, region: str) -> Stacks:
        """The stacks of an account in a region."""
        with self._lock:
            return self._stacks.setdefault((account, region), Stacks(account, region))

    def all_stacks(self) -> list[Stacks]:
        """The stacks of all accounts and regions, to be kept over a restart."""
        with self._lock:
            return list(self._stacks.values())

    def take_over(self, kept: list[Stacks]) -> None:
        """Goes on with stacks that were kept; see Engine.resume."""
        with self._lock:
            self._stacks |= {(stacks.account, stacks.region): stacks for stacks in kept}
        for stacks in kept:
            self.engine.resume(stacks)

    def _of(self, call: Call) -> Stacks:
        return self.stacks(call.account, call.region)
