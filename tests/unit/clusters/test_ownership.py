"""What proves that something in a cluster is an environment's own, by the way in which its Argo CD marks things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from csoc.clusters.arriving import Arrival, check_free
from csoc.clusters.client import ClusterClient, Object, Where
from csoc.clusters.ownership import Delivered, Tracking, delivered_in, tracking_of
from csoc.clusters.platform import ARGO_CD, COMPONENTS
from csoc.errors import DeniedError, NotFoundError

MARK = "argocd.argoproj.io/tracking-id"
INSTANCE = "app.kubernetes.io/instance"


class Cluster:
    """One with an Argo CD of a version and with settings; kinds that are denied may not be listed."""

    def __init__(self, version: str = "", settings: Mapping[str, str] | None = None, denied: str = "") -> None:
        self._version, self._settings, self._denied = version, settings, denied

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        if kind == "Namespace" or (kind == "ConfigMap" and self._settings is not None):
            return {"data": self._settings}
        raise NotFoundError(f"There is no {kind} {name}")

    def list_all(
        self, api_version: str, kind: str, where: Where, *, metadata_only: bool = False
    ) -> tuple[list[Object], str]:
        if kind == self._denied:
            raise DeniedError("forbidden")
        if where.labels == COMPONENTS[ARGO_CD].labels and self._version and kind == "Deployment":
            image = f"quay.io/argoproj/argocd:v{self._version}"
            return [{"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}], "1"
        return [], "1"


def told(version: str = "", settings: Mapping[str, str] | None = None) -> Tracking:
    return tracking_of(cast(ClusterClient, Cluster(version, settings)))


def body(name: str, labels: Mapping[str, str] | None = None, mark: str = "") -> dict[str, Any]:
    marks = {MARK: mark} if mark else {}
    return {"metadata": {"name": name, "labels": dict(labels or {}), "annotations": marks}}


@pytest.mark.parametrize(
    ("version", "settings", "label"),
    [
        ("3.2.1", None, ""),
        ("2.14.9", None, INSTANCE),
        ("2.14.9", {}, INSTANCE),
        ("2.14.9", {"application.resourceTrackingMethod": "annotation"}, ""),
        ("3.2.1", {"application.resourceTrackingMethod": "label"}, INSTANCE),
        ("3.2.1", {"application.resourceTrackingMethod": "annotation+label"}, ""),
        ("2.9.0", {"application.instanceLabelKey": "example.org/by"}, "example.org/by"),
        ("", None, ""),
    ],
)
def test_a_label_is_a_mark_only_where_argo_cd_marks_by_label_alone(
    version: str, settings: Mapping[str, str] | None, label: str
) -> None:
    assert told(version, settings) == Tracking(label)


def test_a_mark_that_was_copied_from_another_object_marks_nothing() -> None:
    mark = "kelp-dev:apps/Deployment:kelp/fence"
    assert Tracking().application_of(body("fence", mark=mark), "apps", "Deployment") == "kelp-dev"
    assert Tracking().application_of(body("fence", mark=mark), "apps", "ReplicaSet") == ""
    assert Tracking().application_of(body("fence-2", mark=mark), "apps", "Deployment") == ""
    assert Tracking(INSTANCE).application_of(body("a", {INSTANCE: "kelp-dev"}), "", "Secret") == "kelp-dev"
    assert Tracking().application_of(body("a", {INSTANCE: "kelp-dev"}), "", "Secret") == ""


def test_a_namespace_is_made_for_who_is_marked_or_by_argo_cd_itself() -> None:
    made = body("kelp")
    made["metadata"]["managedFields"] = [{"manager": "argocd-controller"}]
    assert Tracking().is_made_for(made, "kelp-dev")
    assert not Tracking().is_made_for(body("kelp"), "kelp-dev")
    assert Tracking().is_made_for(body("kelp", mark="kelp-dev:/Namespace:kelp/kelp"), "kelp-dev")
    made["metadata"]["annotations"] = {MARK: "reef-dev:/Namespace:reef/kelp"}
    assert not Tracking().is_made_for(made, "kelp-dev")


def test_what_git_delivers_is_read_with_all_repositories_and_one_name_for_its_own_cluster() -> None:
    spec = {
        "project": "kelp-dev",
        "sources": [{"repoURL": "https://one.example.org"}, {"repoURL": "https://two.example.org"}, "odd"],
        "destination": {"name": "in-cluster", "namespace": "kelp"},
    }
    there = [{"kind": "AppProject", "metadata": {"name": "kelp-dev"}},
             {"kind": "Application", "metadata": {"name": "kelp-dev"}, "spec": spec}]  # fmt: skip
    repositories = frozenset({"https://one.example.org", "https://two.example.org"})
    assert delivered_in(there, "kelp-dev") == Delivered("kelp-dev", "kelp-dev", "kelp", repositories)
    assert delivered_in(there, "reef-dev") is None


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "PersistentVolumeClaim",
                                  "Ingress"])  # fmt: skip
def test_a_kind_that_may_not_be_listed_is_said_and_never_taken_for_absent(kind: str) -> None:
    settings = {"application.resourceTrackingMethod": "annotation"}
    client = cast(ClusterClient, Cluster(settings=settings, denied=kind))
    arrival = Arrival((Delivered("kelp-dev", "kelp-dev", "kelp"),), ("kelp",))
    with pytest.raises(DeniedError, match=f"may not see whether the namespace kelp holds a {kind}") as found:
        check_free(client, arrival)
    assert found.value.fix == f"Give its role the right to list {kind} there, then csoc runs resume"
