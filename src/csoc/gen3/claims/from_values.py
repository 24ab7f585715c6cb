"""Names outside an environment that its values lay claim to, so that the fleet can see two of them at one name.

Only what is really used is claimed: the names of services that are switched off, placeholders that the chart ships
with, and names that stand inside a secret cannot clash. A claim's scope is what makes its identity unique; where that
is not known it is the environment's own cluster, so that ignorance never looks like a clash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from csoc.fleet.shapes import items
from csoc.fleet.values import Path
from csoc.gen3.catalogue import Secret, Service
from csoc.gen3.facts import Access, Claim, Kind
from csoc.gen3.gen3_values import Gen3Values, is_true

_PROXIES = ("aws-sigv4-proxy", "aws-es-proxy")
SHAREABLE = frozenset({"stata-workspace-gen3-license"})
_PROXIED = re.compile(r"^(gen3-)?elasticsearch(-master)?$|^esproxy(-service)?$")


def claims_in_values(values: Gen3Values) -> list[Claim]:
    """Every claim that the values make, each once, in the order of kinds below."""
    sources: tuple[Callable[[Gen3Values], Iterator[Claim]], ...] = (
        _hostnames,
        _cluster_names,
        secrets,
        _databases,
        _search,
        _buckets,
        _queues,
        _roles,
        _edge,
    )
    return list(dict.fromkeys(claim for source in sources for claim in source(values)))


def claim(values: Gen3Values, kind: Kind, identity: str, scope: str, access: Access, path: str | Path) -> Claim:
    """A claim, located where the path is written; nowhere, if that is the chart's default."""
    key = path if isinstance(path, str) else ".".join(map(str, path))
    place = values.location(path) if path and values.state.written(path) else None
    return Claim(kind, identity, scope, access, key, place)


def _hostnames(values: Gen3Values) -> Iterator[Claim]:
    hostname = values.text("revproxy.hostname") or values.text("global.hostname")
    path = "revproxy.hostname" if values.text("revproxy.hostname") else "global.hostname"
    if hostname and hostname != "localhost":
        yield claim(values, Kind.HOSTNAME, hostname.lower(), "", Access.OWN, path)
    if values.get("revproxy.ingress.enabled") is True:
        hosts = values.get("revproxy.ingress.hosts")
        for index, entry in enumerate(items(hosts)):
            host = entry.get("host") if isinstance(entry, dict) else None
            if isinstance(host, str) and host and host != "chart-example.local":
                yield claim(
                    values, Kind.HOSTNAME, host.lower(), "", Access.OWN, ("revproxy", "ingress", "hosts", index)
                )


def _cluster_names(values: Gen3Values) -> Iterator[Claim]:
    view, cluster = values.state.view, values.cluster
    helm, application = view.source.helm, view.application
    place = (helm.release_location if helm else None) or application.name_location or application.location
    namespace = application.namespace_location or application.location
    yield Claim(Kind.NAMESPACE, view.namespace, cluster, Access.OWN, "destination.namespace", namespace)
    yield Claim(Kind.RELEASE, f"{view.namespace}/{view.release}", cluster, Access.OWN, "helm.releaseName", place)
    if values.on("wts"):
        yield Claim(Kind.CLUSTER_ROLE, f"wts-{view.release}", cluster, Access.OWN, "helm.releaseName", place)
    if values.on("hatchery"):
        name, path = workspace_namespace(values)
        yield claim(values, Kind.WORKSPACE_NAMESPACE, name, cluster, Access.OWN, path)


def workspace_namespace(values: Gen3Values) -> tuple[str, str]:
    """Where workspaces run, and the values path that says so. A manifest in JSON replaces what the chart would write,
    so its word counts; JSON that is broken is another rule's finding."""
    manifest = values.get("hatchery.hatchery.json")
    if isinstance(manifest, str) and manifest.strip():
        try:
            data = json.loads(manifest)
        except (ValueError, RecursionError):
            data = None
        found = data.get("user-namespace") if isinstance(data, dict) else None
        if isinstance(found, str) and found:
            return found, "hatchery.hatchery.json"
    stated = values.text("hatchery.jupyterNamespace")
    return stated or f"jupyter-pods-{values.state.view.namespace}", "hatchery.jupyterNamespace"


def secret_name(values: Gen3Values, secret: Secret) -> str:
    """The name in Secrets Manager that the chart would ask for; "" if there is none."""
    stated = values.text(secret.override) if secret.override else ""
    environment = values.text("global.environment") or "default"
    return stated or secret.manager.replace("{environment}", environment)


def comes_from_manager(values: Gen3Values, secret: Secret) -> bool:
    """True if the chart makes an ExternalSecret for it: switched on, and not kept local."""
    if not secret.external:
        return False
    if secret.switch and not is_true(values.get(secret.switch)):
        return False
    if secret.only_with and not is_true(values.get(secret.only_with)):
        return False
    return not (secret.keep_local and is_true(values.get(secret.keep_local, secret.keep_local_default)))


def secrets(values: Gen3Values) -> Iterator[Claim]:
    """Names in Secrets Manager. A master credential, a webhook or a licence may be shared, so those are only read."""
    scope = values.secret_scope
    owned = [(service, secret) for service in values.catalogue for secret in service.secrets]
    shared = [(None, secret) for secret in values.catalogue.umbrella_secrets]
    for service, secret in (*owned, *shared):
        if service is not None and (not values.enabled(service) or secret.owner):
            continue
        access = Access.READ if service is None or secret.name in SHAREABLE else Access.OWN
        name = secret_name(values, secret)
        if name and comes_from_manager(values, secret):
            made = claim(values, Kind.SECRET, name, scope, access, secret.override)
            yield replace(made, assumed=made.location is None)


def _databases(values: Gen3Values) -> Iterator[Claim]:
    """Databases and users of services whose credentials Helm makes. Otherwise the names stand inside a secret; what
    Helm pushes there does not count, since it never replaces a secret that exists."""
    kept = is_true(values.get("global.externalSecrets.createLocalK8sSecret"))
    if is_true(values.get("global.externalSecrets.deploy")) and not kept:
        return
    for service in values.catalogue:
        if not service.database_job or not values.enabled(service):
            continue
        scope = _database_server(values, service)
        for kind, key in ((Kind.DATABASE, "database"), (Kind.DATABASE_USER, "username")):
            path = (service.name, "postgres", key)
            name = values.text(path) or f"{service.name}_{values.state.view.release}"
            yield claim(values, kind, name, scope, Access.OWN, path)


def _database_server(values: Gen3Values, service: Service) -> str:
    view = values.state.view
    if values.get("global.dev") is True:
        return f"{values.cluster}/{view.namespace}/{view.release}-postgresql"
    host = values.text((service.name, "postgres", "host")) or values.text("global.postgres.master.host")
    if host:
        return host.lower()
    credentials = values.text("global.postgres.externalSecret")
    if credentials:
        return f"server of secret {credentials} in {values.secret_scope}"
    return f"unknown server of {view.name}"


def search_endpoint(values: Gen3Values, service: str) -> tuple[str, str]:
    """The search server that a service really talks to, and the values path that says so.

    Behind a signing proxy that is the proxy's endpoint. In development it is the server in the namespace.
    """
    own = _host(values.text((service, "esEndpoint")))
    if own and not _PROXIED.match(own):
        return own, f"{service}.esEndpoint"
    for proxy in _PROXIES:
        if values.on(proxy):
            return _host(values.text((proxy, "esEndpoint"))), f"{proxy}.esEndpoint"
    return f"{values.cluster}/{values.state.view.namespace}/{own or 'elasticsearch'}", f"{service}.esEndpoint"


def _host(endpoint: str) -> str:
    if not endpoint:
        return ""
    try:
        return urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname or ""
    except ValueError:
        return ""


def _search(values: Gen3Values) -> Iterator[Claim]:
    for proxy in _PROXIES:
        if values.on(proxy):
            host = _host(values.text((proxy, "esEndpoint")))
            if host and host != "test.us-east-1.es.amazonaws.com":
                yield claim(values, Kind.SEARCH_ENDPOINT, host, "", Access.USE, f"{proxy}.esEndpoint")
    if values.on("etl") and values.has("etl.etlMapping.mappings"):
        endpoint, _ = search_endpoint(values, "etl")
        mappings = values.get("etl.etlMapping.mappings")
        for index, mapping in enumerate(items(mappings)):
            name = mapping.get("name") if isinstance(mapping, dict) else None
            if isinstance(name, str) and name:
                path: Path = ("etl", "etlMapping", "mappings", index)
                yield claim(values, Kind.SEARCH_INDEX, name, endpoint, Access.OWN, path)
                yield claim(values, Kind.SEARCH_INDEX, f"{name}-array-config", endpoint, Access.OWN, path)
    if values.on("guppy") and (values.has("guppy.indices") or values.has("guppy.configIndex")):
        endpoint, _ = search_endpoint(values, "guppy")
        yield from _guppy(values, endpoint)
    if values.on("metadata") and values.get("metadata.useAggMds") is True:
        endpoint, _ = search_endpoint(values, "metadata")
        name = values.text("metadata.aggMdsNamespace") or values.state.view.release
        yield claim(
            values, Kind.SEARCH_INDEX, f"{name}-commons-index", endpoint, Access.OWN, "metadata.aggMdsNamespace"
        )


def _guppy(values: Gen3Values, endpoint: str) -> Iterator[Claim]:
    indices = values.get("guppy.indices")
    for index, entry in enumerate(items(indices)):
        name = entry.get("index") if isinstance(entry, dict) else None
        if isinstance(name, str) and name:
            yield claim(values, Kind.SEARCH_INDEX, name, endpoint, Access.READ, ("guppy", "indices", index, "index"))
    config = values.get("guppy.configIndex")
    for name in config if isinstance(config, list) else [config]:
        if isinstance(name, str) and name:
            yield claim(values, Kind.SEARCH_INDEX, name, endpoint, Access.READ, "guppy.configIndex")


# Values path of a bucket, path of its prefix, service that must be on, access, values path that must be true.
_BUCKETS: tuple[tuple[str, str, str, Access, str], ...] = (
    ("dashboard.dashboardConfig.bucket", "dashboard.dashboardConfig.prefix", "dashboard", Access.READ, ""),
    ("portal.portalBuild.s3csi.bucketName", "", "portal", Access.WRITE, "portal.portalBuild.enabled"),
    ("fence.usersync.userYamlS3Path", "", "fence", Access.READ, "fence.usersync.usersync"),
    ("global.dataUploadBucket", "", "portal", Access.READ, ""),
    ("ssjdispatcher.ssjcreds.jobPattern", "", "ssjdispatcher", Access.READ, ""),
    ("argo-wrapper.s3Bucket", "", "argo-wrapper", Access.WRITE, ""),
    ("argo-wrapper.internalS3Bucket", "", "argo-wrapper", Access.WRITE, ""),
    ("gen3-analysis.s3DataMount.s3Path", "", "gen3-analysis", Access.READ, "gen3-analysis.s3DataMount.enabled"),
)
# The same for buckets that stand in a secret: Kubernetes secret in place of the last column.
_BUCKETS_IN_SECRETS: tuple[tuple[str, str, str, Access, str], ...] = (
    (
        "manifestservice.manifestserviceG3auto.bucketName",
        "manifestservice.manifestserviceG3auto.prefix",
        "manifestservice",
        Access.WRITE,
        "manifestservice-g3auto",
    ),
    ("sower.pelican.bucket", "", "sower", Access.WRITE, "pelicanservice-g3auto"),
    ("orthanc.S3Storage.BucketName", "", "orthanc", Access.WRITE, "orthanc-s3-g3auto"),
)


def bucket_identity(bucket: str, prefix: str = "") -> str:
    """ "bucket/prefix" without scheme, wildcard and slashes at the ends; "" if there is no bucket."""
    name = bucket.strip().removeprefix("s3://").strip("/")
    whole = f"{name}/{prefix.strip().strip('/')}" if prefix.strip("/ ") else name
    return whole.split("*", 1)[0].rstrip("/")


def _buckets(values: Gen3Values) -> Iterator[Claim]:
    for bucket_path, prefix_path, service, access, switch in _BUCKETS:
        if values.on(service) and (not switch or is_true(values.get(switch))):
            yield from _bucket(values, bucket_path, prefix_path, access)
    for bucket_path, prefix_path, name, access, secret_of in _BUCKETS_IN_SECRETS:
        entry = values.catalogue.services[name]
        secret = next(item for item in entry.secrets if item.name == secret_of)
        if values.enabled(entry) and not comes_from_manager(values, secret):
            yield from _bucket(values, bucket_path, prefix_path, access)
    for block in _fence_blocks(values):
        yield from _bucket(values, f"fence.{block}.DATA_UPLOAD_BUCKET", "", Access.WRITE)
        named = values.state.values.get(("fence", block, "S3_BUCKETS"))
        for name in named if isinstance(named, dict) else ():
            path = ("fence", block, "S3_BUCKETS", name)
            yield claim(values, Kind.BUCKET, bucket_identity(str(name)), "", Access.READ, path)
    yield from _job_buckets(values)


def _fence_blocks(values: Gen3Values) -> list[str]:
    """The parts of fence's configuration that come from values. The secret part does so unless it is external."""
    fence = values.catalogue.services["fence"]
    if not values.enabled(fence):
        return []
    secret = next(item for item in fence.secrets if item.name == "fence-config")
    return ["FENCE_CONFIG_PUBLIC"] if comes_from_manager(values, secret) else ["FENCE_CONFIG", "FENCE_CONFIG_PUBLIC"]


def _bucket(values: Gen3Values, bucket_path: str, prefix_path: str, access: Access) -> Iterator[Claim]:
    bucket = values.text(bucket_path) if values.has(bucket_path) else ""
    if bucket and bucket.lower() != "none":
        identity = bucket_identity(bucket, values.text(prefix_path) if prefix_path else "")
        yield claim(values, Kind.BUCKET, identity, "", access, bucket_path)


def _job_buckets(values: Gen3Values) -> Iterator[Claim]:
    """Buckets that sower's jobs are told to write to, by an environment variable BUCKET."""
    jobs = values.get("sower.sowerConfig")
    if not values.on("sower") or not isinstance(jobs, list) or not values.has("sower.sowerConfig"):
        return
    for index, job in enumerate(jobs):
        container: Any = job.get("container") if isinstance(job, dict) else None
        env = container.get("env") if isinstance(container, dict) else None
        for entry in items(env):
            if isinstance(entry, dict) and entry.get("name") == "BUCKET" and isinstance(entry.get("value"), str):
                path: Path = ("sower", "sowerConfig", index)
                yield claim(values, Kind.BUCKET, bucket_identity(entry["value"]), "", Access.WRITE, path)


def _queues(values: Gen3Values) -> Iterator[Claim]:
    ssj = values.catalogue.services["ssjdispatcher"]
    blocks = _fence_blocks(values)
    pushes = (("fence", block, "PUSH_AUDIT_LOGS_CONFIG", "aws_sqs_config", "sqs_url") for block in blocks)
    candidates: list[tuple[Path, bool, Access]] = [
        (
            ("audit", "server", "sqs", "url"),
            values.on("audit") and is_true(values.get("audit.server.pull_from_queue")),
            Access.OWN,
        ),
        (
            ("ssjdispatcher", "ssjcreds", "sqsUrl"),
            values.enabled(ssj) and not any(comes_from_manager(values, secret) for secret in ssj.secrets),
            Access.OWN,
        ),
        *((path, True, Access.WRITE) for path in pushes),
    ]
    for path, used, access in candidates:
        url = values.text(path)
        if used and url and values.has(path):
            parts = urlsplit(url if "://" in url else f"//{url}")
            yield claim(values, Kind.QUEUE, f"{parts.netloc.lower()}{parts.path}".rstrip("/"), "", access, path)


def _roles(values: Gen3Values) -> Iterator[Claim]:
    for arn, path in values.role_annotations():
        yield claim(values, Kind.ROLE, arn, "", Access.USE, path)
    named = [
        ("global.aws.secretStoreServiceAccount.roleArn", is_true(values.get("global.externalSecrets.deploy"))),
        ("global.aws.hatchery_role", values.on("hatchery")),
        ("global.aws.sower_role", values.on("sower")),
        ("global.aws.awsEsProxyRole", any(values.on(proxy) for proxy in _PROXIES)),
        ("global.aws.awsEsProxyRoleArn", any(values.on(proxy) for proxy in _PROXIES)),
    ]
    for key, used in named:
        role = values.text(key)
        if used and role:
            arn = role if role.startswith("arn:") else f"arn:aws:iam::{values.account}:role/{role}"
            yield claim(values, Kind.ROLE, arn, "", Access.USE, key)


def _edge(values: Gen3Values) -> Iterator[Claim]:
    if values.get("global.aws.enabled") is True:
        path = "revproxy.ingress.aws.group" if values.text("revproxy.ingress.aws.group") else "global.environment"
        # The controller finds a group's load balancer by the cluster's tag, so groups of two clusters never meet.
        yield claim(values, Kind.LOAD_BALANCER_GROUP, values.text(path), values.cluster, Access.USE, path)
        certificate = values.text("global.revproxyArn")
        if re.match(r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:", certificate):
            yield claim(values, Kind.CERTIFICATE, certificate, "", Access.USE, "global.revproxyArn")
        acl = values.text("global.aws.wafv2.wafAclArn")
        if acl and is_true(values.get("global.aws.wafv2.enabled")):
            yield claim(values, Kind.WEB_ACL, acl, "", Access.USE, "global.aws.wafv2.wafAclArn")
    dictionary = values.text("global.dictionaryUrl")
    if dictionary:
        yield claim(values, Kind.DICTIONARY, dictionary, "", Access.READ, "global.dictionaryUrl")
