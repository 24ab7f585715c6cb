"""https on hostnames of the emulated internet: from a record to the page of what runs in a cluster, or to the reason
why there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from csoc.adapters.https import Found, HttpsHostnames, Way
from csoc.clusters.hostnames import Answered
from csoc.emulator.kubernetes.clusters import SimulatedCluster
from csoc.emulator.remote import RemoteControl
from csoc.emulator.running import Emulator
from tests.functional.emulator.conftest import Owner
from tests.functional.emulator.test_eks import REGION, Ground, wait

LET_IN = "203.0.113.7"
_PATIENCE_SECONDS = 20


def eventually(is_so: Callable[[], bool]) -> None:
    """Clusters take their time, a thousand times faster than real ones."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, "it did not come to that"
        threading.Event().wait(0.02)


class Site:
    """A cluster of an account, and a zone with names of its own."""

    def __init__(self, owner: Owner, emulator: Emulator) -> None:
        self.owner, self.emulator = owner, emulator
        self.zone_name = f"z{owner.account}.example.org"
        self.host = f"data.{self.zone_name}"
        eks = owner.client("eks")
        eks.create_cluster(**Ground(owner).cluster())
        wait(eks, "cluster_active")
        eks.create_nodegroup(
            clusterName="tide", nodegroupName="n", nodeRole=f"arn:aws:iam::{owner.account}:role/nodes",
            subnets=eks.describe_cluster(name="tide")["cluster"]["resourcesVpcConfig"]["subnetIds"],
            scalingConfig={"minSize": 1, "maxSize": 1, "desiredSize": 1},
        )  # fmt: skip
        eks.get_waiter("nodegroup_active").wait(
            clusterName="tide", nodegroupName="n", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        endpoint = eks.describe_cluster(name="tide")["cluster"]["endpoint"]
        found = emulator.clusters.get(endpoint.rpartition("/")[2])
        assert found is not None
        self.cluster: SimulatedCluster = found
        self._zone = ""

    def make(self, api_version: str, kind: str, body: dict[str, Any]) -> None:
        type_ = self.cluster.objects.types.kind(api_version, kind)
        assert type_ is not None
        self.cluster.objects.create(type_, "default", body)

    def web(self, image: str = "i:1") -> None:
        labels = {"app": "web"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [
            {"name": "c", "image": image, "ports": [{"containerPort": 80, "name": "http"}]}]}}  # fmt: skip
        self.make("apps/v1", "Deployment", {
            "metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": labels}, "template": pod}})  # fmt: skip
        port = {"port": 80, "targetPort": "http", "name": "http"}
        self.make("v1", "Service", {"metadata": {"name": "web"}, "spec": {"selector": labels, "ports": [port]}})

    def ingress(self, certificate: str = "", acl: str = "", host: str = "") -> str:
        """Makes the way in. Returns the load balancer's name."""
        named = {"certificate-arn": certificate, "wafv2-acl-arn": acl}
        annotations = {f"alb.ingress.kubernetes.io/{key}": value for key, value in named.items() if value}
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        self.make("networking.k8s.io/v1", "Ingress", {
            "metadata": {"name": "web", "annotations": annotations},
            "spec": {"ingressClassName": "alb", "rules": [{"host": host or self.host, "http": {"paths": [path]}}]},
        })  # fmt: skip
        type_ = self.cluster.objects.types.kind("networking.k8s.io/v1", "Ingress")
        assert type_ is not None

        def balancer() -> str:
            body = self.cluster.objects.get(type_, "default", "web")
            found = ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress") or [{}]
            return str(found[0].get("hostname", ""))

        eventually(lambda: bool(balancer()))
        return balancer()

    def record(self, name: str, type_: str, value: dict[str, Any], owner: Owner | None = None) -> None:
        route53 = (owner or self.owner).client("route53")
        if not self._zone:
            self._zone = route53.create_hosted_zone(Name=self.zone_name, CallerReference=name)["HostedZone"]["Id"]
        change = {"Action": "UPSERT", "ResourceRecordSet": {"Name": name, "Type": type_, **value}}
        route53.change_resource_record_sets(HostedZoneId=self._zone, ChangeBatch={"Changes": [change]})

    def move_to(self, zone: str) -> None:
        self._zone = zone

    def alias(self, balancer: str, owner: Owner | None = None) -> None:
        target = {"DNSName": balancer, "HostedZoneId": "Z1GM3OXH4ZPM65", "EvaluateTargetHealth": False}
        self.record(self.host, "A", {"AliasTarget": target}, owner)

    def certificate(self, name: str = "", *, validated: bool = True) -> str:
        acm = self.owner.client("acm")
        arn = acm.request_certificate(DomainName=name or self.host, ValidationMethod="DNS")["CertificateArn"]
        if validated:
            option = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"][0]
            record = option["ResourceRecord"]
            self.record(record["Name"], "CNAME", {"TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]})
        return str(arn)

    def ask(self) -> tuple[Answered, str]:
        found = HttpsHostnames(self.resolver()).ask(self.host)
        return found.answered, found.why

    def resolver(self) -> Callable[[str], Found]:
        control = RemoteControl(self.emulator.endpoint, self.emulator.token)

        def resolve(host: str) -> Found:
            told = control.ask("GET", f"resolve/{host}")
            ways = [Way(one["host"], one["port"]) for one in told["addresses"]]
            return Found(ways, told["why"], told["authority"])

        return resolve

    def is_up(self) -> bool:
        return self.ask()[0] is Answered.YES


@pytest.fixture
def site(owner: Owner, emulator: Emulator) -> Site:
    return Site(owner, emulator)


def test_a_hostname_leads_over_its_record_and_ingress_to_what_is_ready_under_the_certificate_of_acm(
    site: Site,
) -> None:
    site.web()
    site.alias(site.ingress(site.certificate()))
    eventually(site.is_up)
    assert site.ask() == (Answered.YES, "it answers with the status 200")


def test_each_thing_that_is_missing_is_seen_as_what_it_is(site: Site) -> None:
    answered, why = site.ask()
    assert (answered, why) == (Answered.NO_ADDRESS, f"no public zone of any account has a record {site.host}")
    site.web()
    balancer = site.ingress(site.certificate(), host="other.example.org")
    site.alias(balancer)
    assert site.ask() == (Answered.BALANCER_ONLY, "the load balancer has no rule for this hostname")
    ingresses = site.cluster.objects.types.kind("networking.k8s.io/v1", "Ingress")
    assert ingresses is not None
    site.cluster.objects.delete(ingresses, "default", "web")
    assert site.ask() == (Answered.NO_ADDRESS, f"there is no load balancer {balancer}")


def test_of_two_zones_of_one_name_the_one_counts_that_was_made_last(site: Site) -> None:
    site.web()
    site.record(site.host, "CNAME", {"TTL": 60, "ResourceRecords": [{"Value": "old.elb.amazonaws.com"}]})
    assert site.ask() == (Answered.NO_ADDRESS, "there is no load balancer old.elb.amazonaws.com")
    made = site.owner.client("route53").create_hosted_zone(Name=site.zone_name, CallerReference="another")
    site.move_to(made["HostedZone"]["Id"])
    site.alias(site.ingress(site.certificate()))
    eventually(site.is_up)


def test_without_a_ready_endpoint_the_load_balancer_says_so(site: Site) -> None:
    site.alias(site.ingress(site.certificate()))
    assert site.ask() == (Answered.BALANCER_ONLY, "the load balancer has nobody behind it who is ready")


@pytest.mark.parametrize("how", ["none", "pending", "for another name"])
def test_only_an_issued_certificate_for_the_hostname_that_the_ingress_names_is_taken(site: Site, how: str) -> None:
    site.web()
    ways: dict[str, Callable[[], str]] = {
        "none": lambda: "",
        "pending": lambda: site.certificate(validated=False),
        "for another name": lambda: site.certificate(f"other.{site.zone_name}"),
    }
    site.alias(site.ingress(ways[how]()))
    wanted = Answered.WRONG_CERTIFICATE if how == "for another name" else Answered.NO_TLS
    assert site.ask()[0] is wanted


def test_a_certificate_of_another_account_or_region_is_not_served(site: Site) -> None:
    site.web()
    arn = site.certificate()
    site.alias(site.ingress(arn.replace(REGION, "us-east-1")))
    assert site.ask()[0] is Answered.NO_TLS


def test_a_web_acl_lets_in_the_networks_that_it_names_and_nobody_else(site: Site) -> None:
    site.web()
    waf = site.owner.client("wafv2")
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    allowed = waf.create_ip_set(
        Name="allowed", Scope="REGIONAL", IPAddressVersion="IPV4", Addresses=["203.0.113.0/24"]
    )["Summary"]["ARN"]  # fmt: skip
    rule = {"Name": "allowed", "Priority": 0, "Statement": {"IPSetReferenceStatement": {"ARN": allowed}},
            "Action": {"Allow": {}}, "VisibilityConfig": shown}  # fmt: skip
    acl = waf.create_web_acl(
        Name="web", Scope="REGIONAL", DefaultAction={"Block": {}}, Rules=[rule], VisibilityConfig=shown
    )["Summary"]["ARN"]  # fmt: skip
    site.alias(site.ingress(site.certificate(), acl))
    before = site.emulator.edge.visitor
    try:
        assert site.ask() == (Answered.SHUT_OUT, "the web ACL does not let this csoc's own address in")
        RemoteControl(site.emulator.endpoint, site.emulator.token).ask("PUT", "visitor", {"address": LET_IN})
        eventually(site.is_up)
    finally:
        site.emulator.edge.come_from(before)


def test_the_record_may_be_in_another_account_than_the_cluster(site: Site, emulator: Emulator) -> None:
    site.web()
    other = Owner(emulator, "777777777777")
    arn = site.certificate(validated=False)
    balancer = site.ingress(arn)
    site.alias(balancer, other)
    assert site.emulator.edge.resolve(site.host).balancer == balancer
