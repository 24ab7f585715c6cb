"""The summary of an Application: which images run and where it is reached, as Argo CD gathers them from the tree."""

from __future__ import annotations

from typing import Any

from tests.unit.emulator.kubernetes.argocd.syncing import Syncing, annotated, application
from tests.unit.emulator.kubernetes.controllers.living import container, workload

Object = dict[str, Any]


def summary(*objects: Object) -> Object:
    syncing = Syncing()
    syncing.repositories.commit(*objects)
    syncing.add(application(automated={}))
    syncing.wait(30)
    found: Object = syncing.status()["summary"]
    return found


def ingress(*rules: Object, **spec: Any) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "front", "namespace": "a"},
        "spec": {"rules": list(rules), **spec},
    }


def rule(host: str, *paths: str) -> Object:
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    found: Object = {"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend} for path in paths]}}
    return found | ({"host": host} if host else {})


def cron_job() -> Object:
    template = {"spec": {"restartPolicy": "Never", "containers": [container(name="nightly")]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "a"},
        "spec": {"schedule": "0 3 1 1 *", "jobTemplate": {"spec": {"template": template}}},
    }


def test_images_are_those_of_the_pods_that_its_workloads_own() -> None:
    assert summary(workload("Deployment", "web", container())) == {"images": ["registry.example/app:1"]}


def test_a_cron_job_that_never_ran_and_a_workload_of_no_replicas_have_no_image() -> None:
    assert summary(cron_job(), workload("Deployment", "web", container(), replicas=0)) == {}


def test_pods_of_others_in_the_namespace_do_not_count() -> None:
    syncing = Syncing()
    syncing.add(workload("Deployment", "other", container()))
    syncing.repositories.commit(ingress())
    syncing.add(application(automated={}))
    syncing.wait(30)
    assert syncing.status()["summary"] == {}


def test_a_host_is_an_address_before_there_is_a_load_balancer() -> None:
    found = summary(ingress(rule("data.example.org", "/", "/user/*"), ingressClassName="nobody's"))
    assert found == {"externalURLs": ["http://data.example.org/", "http://data.example.org/user/"]}


def test_a_rule_without_a_host_has_the_address_of_the_load_balancer() -> None:
    syncing = Syncing()
    syncing.repositories.commit(ingress(rule("", "/hidden")))
    syncing.add(application(automated={}))
    syncing.wait(2)
    assert syncing.status()["summary"] == {}
    syncing.wait(30)
    [balancer] = syncing.get("Ingress", "front")["status"]["loadBalancer"]["ingress"]
    assert syncing.status()["summary"] == {"externalURLs": [f"http://{balancer['hostname']}/hidden"]}


def test_only_the_secret_of_tls_makes_an_address_secure() -> None:
    hosts = ["data.example.org"]
    plain = ingress(rule("data.example.org", "/"), tls=[{"hosts": hosts}])
    assert summary(plain) == {"externalURLs": ["http://data.example.org/"]}
    secured = ingress(rule("data.example.org", "/"), tls=[{"hosts": hosts, "secretName": "certificate"}])
    assert summary(secured) == {"externalURLs": ["https://data.example.org/"]}


def test_links_in_annotations_are_addresses_too() -> None:
    linked = ingress()
    linked["metadata"]["annotations"] = {"link.argocd.argoproj.io/external-link": "https://status.example.org"}
    assert summary(annotated(linked)) == {"externalURLs": ["https://status.example.org"]}
