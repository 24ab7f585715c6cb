"""Which keys the real chart reads, and which of the real environments' keys it ignores; each was looked up by hand."""

from __future__ import annotations

import io
import re
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from csoc.fleet.values import merge_mappings, walk
from csoc.fleet.yaml import yamltext
from csoc.gen3.chart_keys import ChartKeys, read_keys, unread

pytestmark = pytest.mark.real


def archive(path: Path) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
        return {
            member.name: handle.read().decode("utf-8", "replace")
            for member in tar.getmembers()
            if (handle := tar.extractfile(member))
        }


@pytest.fixture
def gen3(real: Path) -> dict[str, str]:
    return archive(real / "gen3-chart-0.3.90.tgz")


def environments(real: Path) -> dict[str, dict[str, Any]]:
    """Each environment's values, merged in the order that its Application names the files."""
    found = {}
    for path in sorted([*real.glob("gitops-*/*/*/app.yaml"), *real.glob("gitops-*/*/*/templates/app.yaml")]):
        application = yamltext.parse(path.read_bytes())[0].data
        spec = application["spec"]
        for source in spec.get("sources") or [spec["source"]]:
            if source.get("path") != "helm/gen3":
                continue
            top = real / path.relative_to(real).parts[0]
            values: dict[str, Any] = {}
            for name in source["helm"]["valueFiles"]:
                file = top / name.removeprefix("$values/")
                if file.exists():
                    values = merge_mappings(values, yamltext.parse(file.read_bytes())[0].data)
            found["/".join(path.relative_to(top).parts[:2])] = values
    return found


# Each was looked for in the chart's templates by hand; "why" is what was found.
VERDICTS = {
    "aws-es-proxy.externalSecrets": "no template of the chart asks for its own externalSecrets",
    "aws-sigv4-proxy.externalSecrets": "no template of the chart asks for its own externalSecrets",
    "audit.autoscaling.maxReplicas": "audit has no autoscaler",
    "audit.autoscaling.minReplicas": "audit has no autoscaler",
    "awshelper": "no such chart; the image is global.awshelper_container_image",
    "dicom-viewer": "no such chart",
    "etl.mappings": "read at etl.etlMapping.mappings",
    "etl.resources.spark.limits": "only requests are read",
    "etl.resources.tube.limits": "only requests are read",
    "etl.spark": "read at etl.image.spark",
    "etl.tube": "read at etl.image.tube",
    "fence.usersync.slack_webhook": "jobs read the secret slack-webhook",
    "fluentd": "no such chart",
    "gen3-discovery-ai": "no such chart",
    "global.ddEnabled": "named by no template",
    "grafana": "no such chart",
    "jupyterhub": "no such chart",
    "metadata.image.esEndpoint": "read at metadata.esEndpoint",
    "pidgin": "no such chart",
    "portal.gitops.createdBy": "read as createdby",
    "sheepdog.fenceUrl": "read at global.fenceURL",
    "spark": "no such chart; the image is etl.image.spark",
    "tube": "no such chart; the image is etl.image.tube",
}
# The shared autoscaler of the library chart reads averageCPUValue instead.
PERCENTAGE = "autoscaling.targetCPUUtilizationPercentage"
PERCENTAGES = {
    *("ambassador", "arborist", "audit", "aws-es-proxy", "fence", "hatchery", "indexd", "manifestservice"),
    *("metadata", "peregrine", "portal", "revproxy", "sheepdog", "wts"),
}


def test_the_ignored_keys_of_the_real_environments_are_these(real: Path, gen3: dict[str, str]) -> None:
    keys = read_keys(gen3).keys
    found = {".".join(map(str, path)) for values in environments(real).values() for path in unread(walk(values), keys)}
    assert found == set(VERDICTS) | {f"{name}.{PERCENTAGE}" for name in PERCENTAGES}


def test_no_ignored_key_of_the_real_environments_is_named_by_a_template(real: Path, gen3: dict[str, str]) -> None:
    """The other way to the same answer: plain search in the texts of the chart that the key belongs to."""
    texts: dict[str, str] = {}
    for name, text in gen3.items():
        parts = name.split("/")
        if "templates" in parts and name.count("/charts/") < 2:
            owner = parts[2] if parts[1] == "charts" else ""
            texts[owner] = texts.get(owner, "") + text
    for dotted in set(VERDICTS) | {f"{name}.{PERCENTAGE}" for name in PERCENTAGES}:
        top, _, rest = dotted.partition(".")
        named = rest if top in texts else dotted
        where = "".join(texts.values()) if top == "global" or top not in texts else texts[top]
        assert not re.search(rf"\.Values\.{re.escape(named)}\b", where), dotted


def test_every_path_that_the_real_templates_name_is_read(gen3: dict[str, str]) -> None:
    keys = read_keys(gen3).keys
    named = set()
    for name, text in gen3.items():
        match = re.fullmatch(r"gen3/(?:charts/([^/]+)/)?templates/[^_][^/]*", name)
        if not match or match[1] == "common":
            continue
        plain = re.sub(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", "", text, flags=re.DOTALL)
        for action in re.findall(r"\{\{.*?\}\}", plain, flags=re.DOTALL):
            prefix = (match[1],) if match[1] else ()
            named |= {(*prefix, *path.split(".")) for path in re.findall(r"\.Values\.([\w.]*\w)", action)}
    assert len(named) > 1500
    assert unread([(path, 1) for path in sorted(named)], keys) == []


def test_the_chart_defines_keys_that_it_never_reads(gen3: dict[str, str]) -> None:
    dead = set(read_keys(gen3).never_read)
    assert {
        "audit.autoscaling.targetCPUUtilizationPercentage",
        "aws-sigv4-proxy.useSigv4Proxy",
        "data-upload-cron.suspendCronjob",
        "etl.esGarbageCollect.slack_webhook",
        "fence.projects",
        "fence.usersync.slack_webhook",
        "global.aws.externalSecrets.pushSecret",
        "global.kubeBucket",
        "global.logsBucket",
        "global.netPolicy.dbSubnet",
        "hatchery.hatchery.oidcProviderArn",
        "manifestservice.manifestserviceG3auto.hostname",
        "orthanc.PostgreSQL.Enabled",
        "peregrine.arboristUrl",
        "pidgin",
        "portal.portalBuild.s3csi.createPV",
        "requestor.command",
        "sheepdog.terminationGracePeriodSeconds",
        "sower.gen3Namespace",
        "ssjdispatcher.dispatcherJobNum",
        "wts.hostname",
        "wts.oidc_client_id",
    } <= dead
    assert not dead & {"fence.image", "global.hostname", "wts.secrets.external_oidc", "elasticsearch", "postgresql"}


def test_the_real_chart_is_read_in_time(gen3: dict[str, str]) -> None:
    began = time.monotonic()
    keys = read_keys(gen3)
    assert time.monotonic() - began < 3
    assert not keys.notes
    assert len(keys.keys) > 3_000
    assert ChartKeys.from_json(keys.to_json()) == keys
