"""Destroying in a repository that takes pull requests only: what leaves Git is proposed once, waited for, and goes with
the merge; what others have stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from csoc.errors import ConflictError, DeniedError
from csoc.fleet.documents.init import plan_init
from csoc.fleet.githost import MergeMethod
from csoc.gen3.launch import applications
from csoc.operations.runs import Run
from csoc.testing.fleets import HOME
from csoc.testing.fleets import World as Fleet
from csoc.usecases.planning.delivery import DocumentDelivery
from csoc.usecases.provisioning_ports import ProvisioningPorts
from tests.unit.gen3.launch.launching import ACCOUNT, answers, counting_ids, launch, outputs_file

_ACCOUNT = f"""apiVersion: csoc.gen3.org/v1alpha1
kind: Account
metadata: {{name: research, uid: a000000001}}
spec: {{provider: aws, id: "{ACCOUNT}", purpose: workload, regions: [ap-southeast-2]}}
"""


class World:
    """A launched commons in a fleet whose main branch nobody pushes to, and a run that destroys it."""

    def __init__(self) -> None:
        made = launch(answers(["minimal"]), ids=counting_ids())
        deployed = applications.application_file(made.deployment(HOME, "c" * 40))
        files = {
            **plan_init("tide", ids=lambda: "f1b2c3d4e5"),
            **made.files,
            made.outputs_path: outputs_file(made),
            made.application_path: deployed,
            "accounts/research.yaml": _ACCOUNT.encode(),
            "clusters/heart/applications/other.yaml": b"# of somebody else\n",
        }
        self.application = made.application_path
        self.documents = {f"commons/heart/heart-dev/{name}" for name in ("environment.yaml",)} | set(made.value_paths)
        self.fleet = Fleet()
        self.fleet.write({path: content.decode() for path, content in files.items()})
        self.commit = self.fleet.host.git.branches["main"]
        self.fleet.host.protect("main")

    def delivery(self) -> tuple[DocumentDelivery, Run]:
        """Of a process that remembers nothing."""
        arguments: dict[str, Any] = {
            "fleet": HOME, "environment": "heart-dev", "commit": self.commit, "pull_request": True,
        }  # fmt: skip
        at = datetime(2026, 11, 23, tzinfo=UTC)
        run = Run("r1", "destroy", "uid", "environment heart-dev", "sts:ada", at, arguments=arguments)
        return DocumentDelivery(ProvisioningPorts(self.fleet.ports(), *[cast(Any, None)] * 5)), run

    def merge(self, number: int) -> str:
        host = self.fleet.host.as_user("approver")
        return host.merge(number, MergeMethod.SQUASH, expected_head=host.get(number).head_commit).commit

    @property
    def files(self) -> set[str]:
        git = self.fleet.host.git
        return set(git.commits[git.branches["main"]].entries)


@pytest.fixture
def world() -> World:
    return World()


def test_application_and_documents_go_with_their_merges_and_nothing_else_does(world: World) -> None:
    before = world.files
    for number, what in ((1, {world.application}), (2, world.documents)):
        delivery, run = world.delivery()
        remove = delivery.remove_application if number == 1 else delivery.remove_documents
        proposed = remove(run)
        assert (proposed.commit, proposed.pull_request) == ("", f"{HOME}/pulls/{number}")
        assert remove(run) == proposed, "a look again proposes nothing anew"
        assert what <= world.files, "before the merge all is as it was"
        assert len(world.fleet.host.pulls) == number
        body = world.fleet.host.as_user("approver").get(number).body
        assert "which destroys environment heart-dev and goes on once it is merged" in body
        commit = world.merge(number)
        delivery, run = world.delivery()
        remove = delivery.remove_application if number == 1 else delivery.remove_documents
        assert remove(run).commit == commit
        assert not what & world.files
    assert before - world.files == {world.application} | world.documents


def test_a_removal_whose_pull_request_was_closed_is_told_with_the_next_step(world: World) -> None:
    delivery, run = world.delivery()
    delivery.remove_application(run)
    world.fleet.host.as_user("approver").close(1)
    with pytest.raises(ConflictError, match="was closed without being merged") as told:
        delivery.remove_application(run)
    assert "Reopen and merge it, then csoc runs resume r1" in told.value.fix
    assert world.application in world.files


def test_what_somebody_took_away_already_is_not_proposed(world: World) -> None:
    world.fleet.host.git.protected.clear()
    world.fleet.write(cast(Any, {world.application: None}))
    delivery, run = world.delivery()
    assert delivery.remove_application(run).commit
    assert not world.fleet.host.pulls


def test_without_pull_requests_the_protected_branch_refuses_and_names_the_way_out(world: World) -> None:
    delivery, run = world.delivery()
    with pytest.raises(DeniedError, match="main") as told:
        delivery.remove_application(replace(run, arguments={**run.arguments, "pull_request": False}))
    assert "--pull-request" in str(told.value)
    assert world.application in world.files
