"""Answers that are given again: each one that says something else than what is there is named, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from csoc.errors import ConflictError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.init import plan_init
from csoc.fleet.documents.reading import read_documents
from csoc.gen3.launch.answers import Answers
from csoc.testing.repositories import MemoryRepositories, MemoryTree
from csoc.usecases.launch_differences import check_same
from tests.unit.gen3.launch.launching import answers, counting_ids, launch

REPOSITORY = "https://git.example.org/team/fleet"
SERVICES = ("standard", "mesh")
SAME_NAME = {"environment": "heart-dev"}
USERS = "users: {ada@example.org: {}}\n"
OTHERWISE: dict[str, dict[str, Any]] = {
    "commons": {"commons": "kidney", **SAME_NAME},
    "title": {"title": "Another Title"},
    "stage": {"stage": "prod", **SAME_NAME},
    "slot": {"slot": "blue", **SAME_NAME},
    "account": {"account": "other"},
    "region": {"region": "us-east-1"},
    "hostname": {"hostname": "other.example.org"},
    "namespace": {"namespace": "other"},
    "size": {"size": "large"},
    "cluster": {"cluster": "big"},
    "clusterName": {"clusterName": "big"},
    "kubernetes": {"kubernetes": "1.29"},
    "network.cidr": {"network": {"cidr": "10.99.0.0/16"}},
    "network.zones": {"network": {"zones": 3}},
    "network.egress": {"network": {"egress": "proxy"}},
    "network.allowDomains": {"network": {"egress": "proxy", "allowDomains": ["pypi.example.org"]}},
    "apiAccess": {"apiAccess": ["203.0.113.0/24"]},
    "services": {"services": [*SERVICES, "imaging"]},
    "members": {"members": ["lung"]},
    "signIn.provider": {"signIn": {"provider": "orcid"}},
    "signIn.discoveryUrl": {"signIn": {"provider": "google", "discoveryUrl": "https://id.example.org/.well-known"}},
    "signIn.name": {"signIn": {"provider": "google", "name": "Our own"}},
    "signIn.clientId": {"signIn": {"provider": "google", "clientId": "other"}},
    "dictionary": {"dictionary": "https://dictionary.example.org/other/schema.json"},
    "administrators": {"administrators": ["eve@example.org"]},
    "users": {"users": "user.yaml", "administrators": []},
    "allow": {"allow": ["203.0.113.0/24"]},
    "internal": {"internal": True},
    "certificate": {"certificate": "arn:aws:acm:ap-southeast-2:111122223333:certificate/" + "0" * 36},
    "zone": {"zone": {"name": "example.org", "id": "Z0123456789ABCDEFGHIJ"}},
    "chart.repoURL": {"chart": {"repoURL": "https://charts.example.org"}},
    "chart.chart": {"chart": {"chart": "other"}},
    "chart.path": {"chart": {"path": "charts/gen3", "version": "0" * 40}},
    "chart.version": {"chart": {"version": "0.0.1"}},
}
"""What is answered the second time, by the answer that must be named."""
NAMES_ANOTHER = {"environment": "an environment of another name is another one, which is made"}
NOT_KEPT = {"signIn.clientSecret": "where the secret is read from, of one machine and one moment; the account has it"}


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every answer, by its path. A zone is compared as a whole, and of a secret nothing is."""
    for name, field in model.model_fields.items():
        path = f"{above}{field.alias or name}"
        inner = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
        parts = [one for one in inner if issubclass(one, BaseModel)]
        if not parts or path in ("zone", *NOT_KEPT):
            yield path
        for part in parts if path not in ("zone", *NOT_KEPT) else ():
            yield from keys(part, f"{path}.")


@pytest.fixture(scope="module")
def fleet() -> tuple[Documents, MemoryTree]:
    made = launch(answers(SERVICES))
    account = b"apiVersion: csoc.gen3.org/v1alpha1\nkind: Account\nmetadata: {name: research, uid: a123456789}\n"
    account += b'spec: {provider: aws, id: "111122223333", purpose: workload}\n'
    files = {**plan_init("tidewater", ids=counting_ids("f")), "accounts/research.yaml": account, **made.files}
    repository = MemoryRepositories().add(REPOSITORY)
    tree = MemoryTree(repository, repository.write("main", files), "main")
    return read_documents(tree), tree


def check(fleet: tuple[Documents, MemoryTree], **again: Any) -> None:
    documents, tree = fleet
    given = answers(**{"services": SERVICES, **again})
    check_same(documents.environments["heart-dev"], documents, tree, given, USERS if "users" in again else "")


def test_every_answer_has_another_value_here_or_a_reason_why_it_is_not_compared() -> None:
    assert {*OTHERWISE, *NAMES_ANOTHER, *NOT_KEPT} == set(keys(Answers))


def test_the_same_answers_go_on_with_what_is_there(fleet: tuple[Documents, MemoryTree]) -> None:
    check(fleet)
    check(fleet, account="research", region="ap-southeast-2", signIn={"provider": "google"}, internal=False)


@pytest.mark.parametrize("answer", OTHERWISE)
def test_an_answer_of_another_value_is_named_and_not_passed_over(
    fleet: tuple[Documents, MemoryTree], answer: str
) -> None:
    with pytest.raises(ConflictError) as refused:
        check(fleet, **OTHERWISE[answer])
    # These two say which environment it is, so what is there is told instead.
    told = "of the commons heart, at heart.example.org" if answer in ("commons", "hostname") else f"{answer} is "
    assert told in refused.value.cause
