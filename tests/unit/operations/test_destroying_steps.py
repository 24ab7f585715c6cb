"""Steps that destroy: nothing goes on behind a cluster that nobody reached, and the account says what is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from csoc.clusters.access import KubeconfigReference
from csoc.clusters.removing import Removal
from csoc.errors import ConflictError, NotFoundError, UnavailableError
from csoc.operations.registry import STEPS
from csoc.operations.runs import Run, Step
from csoc.operations.services import Delivery, Services, Written
from csoc.operations.steps.base import Context, Done
from csoc.provisioning.plans import LayerPlan, PlanKind, Purpose
from csoc.testing.clusters import MemoryClusterAccess
from csoc.testing.leftovers import MemoryLeftoverPlaces, MemoryLeftovers
from tests.unit.operations.test_layer_steps import Context as GivenContext
from tests.unit.operations.test_layer_steps import Scene
from tests.unit.provisioning.small_layers import BUCKET, OWNER, START, network, stack

SHOWN = "the Application as the plan shows it"


class Documents:
    """Documents of an environment that count what was taken out of Git."""

    def __init__(self, *, is_made: bool = True, application: str = SHOWN) -> None:
        self.removed = 0
        self.is_made = is_made
        self.application = application

    def application_state(self, run: Run) -> str:
        return self.application

    def is_cluster_made(self, run: Run) -> bool:
        return self.is_made

    def removal(self, run: Run) -> Removal:
        return Removal("kelp-dev", ("kelp-dev",))

    def reference(self, run: Run, outputs: object) -> KubeconfigReference:
        return KubeconfigReference("research")

    def remove_application(self, run: Run) -> Written:
        self.removed += 1
        return Written("c" * 40)


class Silent:
    """A cluster that does not answer."""

    def get(self, *_: object) -> Any:
        raise UnavailableError("Nobody answers", place="cluster research", fix="Look at its endpoint")

    def close(self) -> None: ...


class Untouched:
    """A cluster that nobody may ask anything."""

    def get(self, *_: object) -> Any:
        raise AssertionError("the cluster was asked")

    def close(self) -> None: ...


def remove(documents: Documents, clusters: MemoryClusterAccess) -> Any:
    run = Run("r1", "destroy", "u", "environment kelp-dev", "sts:ada", START)
    scene = Scene()
    gen3 = LayerPlan("gen3", "kelp-dev", PlanKind.RENDERED, stack_state=SHOWN)
    plan = replace(scene.planned(purpose=Purpose.DESTROY, layers=("network",)), layers=(gen3,), owner_name="kelp-dev")
    scene.plans.put(plan := replace(plan, id="p-gen3"), {})
    services = Services(delivery=cast(Delivery, documents), clusters=clusters, plans=scene.plans)
    context = GivenContext(run, Step(1, "remove gen3", "remove gen3", {"plan": plan.id}), services)
    return STEPS["remove gen3"].run(cast(Context, context))


def test_where_the_cluster_does_not_answer_git_is_left_as_it_is_and_the_run_does_not_go_on() -> None:
    documents = Documents()
    with pytest.raises(UnavailableError, match="Gen3 was not taken away, and its layers stay: Nobody answers") as found:
        remove(documents, MemoryClusterAccess({"research": cast(Any, Silent())}))
    assert "csoc runs resume" in found.value.fix
    assert documents.removed == 0


def test_where_there_is_no_way_into_the_cluster_neither() -> None:
    documents = Documents()
    with pytest.raises(NotFoundError, match="no way into the cluster research") as found:
        remove(documents, MemoryClusterAccess({}))
    assert "--layer LAYER" in found.value.fix
    assert documents.removed == 0


def test_a_cluster_that_was_never_made_has_nothing_to_take_gen3_out_of() -> None:
    documents = Documents(is_made=False)
    assert remove(documents, MemoryClusterAccess({})) == Done({"commit": "c" * 40, "kept": []})
    assert documents.removed == 1


@pytest.mark.parametrize("is_made", [True, False])
def test_what_was_deployed_after_the_plan_stops_it_before_git_and_cluster_are_touched(*, is_made: bool) -> None:
    documents = Documents(is_made=is_made, application="deployed since")
    with pytest.raises(ConflictError, match="what is deployed of kelp-dev changed since") as found:
        remove(documents, MemoryClusterAccess({"research": cast(Any, Untouched())}))
    assert found.value.fix == "Plan again: csoc destroy kelp-dev"
    assert documents.removed == 0


def test_a_file_that_is_away_already_is_no_change_since_the_plan() -> None:
    documents = Documents(is_made=False, application="absent")
    assert remove(documents, MemoryClusterAccess({})) == Done({"commit": "c" * 40, "kept": []})


def test_what_is_left_is_listed_with_the_policy_that_keeps_it_and_what_none_keeps() -> None:
    scene = Scene()
    scene.world.templates.templates["network"] = network(Data=BUCKET)
    applied = scene.planned()
    scene.approvals.approved.add(applied.id)
    scene.apply(applied)
    plan = scene.planned(purpose=Purpose.DESTROY, layers=("network",))
    [bucket] = [one.physical_id for one in plan.layer("network").changes if one.kept]
    scene.world.stacks.unprotect(stack("network"))
    scene.world.stacks.delete(stack("network"), "t", "role")
    tags = {"csoc:owner": OWNER}
    stray = "arn:aws:ec2:ap-southeast-2:111111111111:volume/vol-1"
    account = MemoryLeftovers({f"arn:aws:s3:::{bucket}": tags, stray: tags})
    found = listed(scene, plan, account)
    assert [(one["name"], one["keptBy"]) for one in found] == [
        ("vol-1", ""),
        (bucket, "kept, as its template says"),
    ]
    [unnamed] = listed(scene, plan, MemoryLeftovers())
    assert unnamed["name"] == bucket
    assert unnamed["keptBy"].endswith("the account's list of tags does not name it")


def test_what_belongs_to_a_layer_that_lives_on_is_not_left() -> None:
    scene = Scene()
    applied = scene.planned()
    scene.approvals.approved.add(applied.id)
    scene.apply(applied)
    scene.apply(applied, "cluster")
    plan = scene.planned(purpose=Purpose.DESTROY, layers=("cluster",))
    scene.world.stacks.unprotect(stack("cluster"))
    scene.world.stacks.delete(stack("cluster"), "t", "role")
    arn = "arn:aws:kms:ap-southeast-2:111111111111:key/"
    tags = {f"{arn}{layer}": {"csoc:owner": OWNER, "csoc:layer": layer} for layer in ("network", "cluster")}
    assert [one["name"] for one in listed(scene, plan, MemoryLeftovers(tags))] == ["cluster"]


def listed(scene: Scene, plan: Any, account: MemoryLeftovers) -> Any:
    context = scene.context(plan, "network")
    leftovers = MemoryLeftoverPlaces(account)
    context.services = Services(plans=scene.plans, places=context.services.places, leftovers=leftovers)
    done = STEPS["list left"].run(cast(Context, context))
    assert isinstance(done, Done)
    return done.result["left"]
