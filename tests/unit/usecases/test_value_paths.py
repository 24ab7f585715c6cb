"""Which files gen3 may be deployed from, so that Git knows who wrote each of them, and which ones runs may write."""

from __future__ import annotations

from typing import Any, cast

import pytest

from csoc.errors import RejectedError
from csoc.fleet.documents.base import FileReference, Metadata
from csoc.fleet.documents.collection import Documents, Placed
from csoc.fleet.documents.model import Account, AccountSpec, Environment
from csoc.provisioning.layers import OwnerKind
from csoc.usecases.planning.gen3_layer import Gen3Layer
from csoc.usecases.planning.owners import Owner
from csoc.usecases.planning.value_paths import check_application, check_values, outputs_path
from tests.unit.gen3.launch.launching import ACCOUNT, PLACE, REGION, answers, launch

MADE = launch(answers())
FOREIGN = "https://git.example.org/other/values"


def changed(environment: Environment, **spec: Any) -> Environment:
    return environment.model_copy(update={"spec": environment.spec.model_copy(update=spec)})


def with_value(path: str, repository: str | None = None) -> Environment:
    """The launched environment with one value more."""
    more = FileReference(path=path, repository=repository)
    return changed(MADE.environment, values=(*MADE.environment.spec.values, more))


def at(path: str) -> Environment:
    """The same with its Application elsewhere."""
    reference = MADE.environment.spec.application
    assert reference is not None
    return changed(MADE.environment, application=reference.model_copy(update={"path": path}))


def plan(environment: Environment, *others: Environment) -> None:
    """Plans the layer gen3 of the first, in a fleet that nobody reads before its paths are looked at."""
    assert MADE.cluster is not None
    spec = AccountSpec(provider="aws", id=ACCOUNT, purpose="workload", regions=(REGION,))
    account = Account.make(metadata=Metadata(name="research", uid="a123456789"), spec=spec)
    owner = Owner(OwnerKind.ENVIRONMENT, MADE.cluster, account, environment)
    unread = cast(Any, None)
    Gen3Layer(unread, "", unread, fleet_of(environment, *others), owner, PLACE, "aws", {}).plan()


def fleet_of(*environments: Environment) -> Documents:
    return Documents(top="", environments={one.metadata.name: Placed(one, cast(Any, None), 0) for one in environments})


def test_a_launched_environment_may_be_planned() -> None:
    check_values(MADE.environment, fleet_of(MADE.environment))
    check_application(MADE.environment)
    check_application(at(".csoc/clusters/tidal/applications/reef-dev.yml"))


@pytest.mark.parametrize("path", ["values/10-base.yaml", "values/90-outputs.yaml"])
def test_values_in_another_repository_are_refused_since_nobody_here_knows_who_writes_them(path: str) -> None:
    with pytest.raises(RejectedError, match="another repository") as caught:
        plan(with_value(path, FOREIGN))
    assert caught.value.place.endswith(path)
    assert "Copy the file" in caught.value.fix


def test_a_second_file_of_the_outputs_name_is_refused_since_runs_write_only_one() -> None:
    with pytest.raises(RejectedError, match=r"two files 90-outputs\.yaml") as caught:
        plan(with_value("extra/90-outputs.yaml"))
    assert caught.value.place.endswith("extra/90-outputs.yaml")


@pytest.mark.parametrize(
    "path", ["values/*.yaml", "values/1?.yaml", "v[a]lues.yaml", "{a,b}.yaml", "$ARGOCD_APP_NAME.yaml", "./a", "a//b"]
)
def test_a_path_that_argo_cd_reads_otherwise_than_git_is_refused(path: str) -> None:
    with pytest.raises(RejectedError, match="does not name one file") as caught:
        plan(with_value(path))
    assert caught.value.place.endswith(path)


def test_outputs_that_another_environment_deploys_are_refused() -> None:
    other = MADE.environment.model_copy(update={"metadata": Metadata(name="other-dev", uid="e999999999")})
    with pytest.raises(RejectedError, match="among the values of other-dev") as caught:
        plan(MADE.environment, other)
    assert caught.value.place.endswith(outputs_path(MADE.environment))


@pytest.mark.parametrize(
    "path", [".github/workflows/a.yaml", ".csoc/.hidden/a.yaml", "apps/.a.yaml", "apps/a.sh", "Makefile", "a//b.yaml"]
)
def test_an_application_where_other_programs_look_for_something_else_is_refused(path: str) -> None:
    with pytest.raises(RejectedError, match="where none may stand") as caught:
        plan(at(path))
    assert caught.value.place.endswith(path)
