"""Rules that rest on what the chart does by itself, run on the real chart: each finds its case there.

A rule's own tests show it shapes made for it; here the chart's templates and defaults say what there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from csoc.adapters.helm.render.renderer import ChildRenderer
from csoc.fleet.charts import ChartArchive, RenderRequest, pack
from csoc.fleet.values import EffectiveValues, Layer, merge_mappings
from csoc.fleet.yaml import yamltext
from csoc.gen3.checking import check_environment
from csoc.gen3.findings import ChartUsed
from csoc.gen3.rules.table import RULES
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_view, location
from tests.contract.chart_files import files_of

BASE = """
global:
  dev: false
  hostname: gen3.example.org
  environment: prodvpc
  postgres: {dbCreate: false, externalSecret: master, master: {host: db.example.org}}
  externalSecrets: {deploy: true}
  aws: {enabled: true, region: us-east-1}
fence:
  externalSecrets: {createK8sGoogleAppSecrets: true}
  usersync: {usersync: true, userYamlS3Path: s3://users/gen3/user.yaml}
"""
LOCAL = "global: {externalSecrets: {deploy: false}, postgres: {master: {password: x}}}\n"
FENCE = "global: {externalSecrets: {deploy: false}, postgres: {master: {password: x}}}\nfence: {FENCE_CONFIG: %s}\n"
KEY = "ENCRYPTION_KEY: c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI="
POLICIES = "global: {netPolicy: {enabled: true, dbSubnets: %s}}\n"

CASES = [
    ("boolean-written-as-text", "sheepdog: {enabled: 'false'}", "sheepdog.enabled"),
    ("boolean-written-as-text", "global: {dev: 'false'}", "global.dev"),
    ("number-written-for-text", "indexd: {image: {tag: 20251012}}", "indexd.image.tag"),
    ("number-written-for-text", "indexd: {image: {tag: 2025.10}}", "indexd.image.tag"),
    ("number-written-for-text", "global: {aws: {account: 885078588865}}", "global.aws.account"),
    ("maintenance-mode-not-text", "global: {maintenanceMode: on}", "on"),
    ("label-value-not-text", "fence: {criticalService: true}", "fence.criticalService"),
    ("hostname-not-a-label", "global: {hostname: 'https://gen3.example.org'}", "hostname"),
    ("service-without-dependency", "indexd: {enabled: false}", "fence indexd"),
    ("service-without-dependency", "ambassador: {enabled: false}", "hatchery ambassador or workspace-proxy"),
    ("front-page-without-owner", "global: {frontendRoot: gen3ff}", "gen3ff"),
    ("front-page-without-owner", "global: {frontendRoot: frontend}", "unknown"),
    ("network-policy-without-database", POLICIES % "[]", "dbSubnets"),
    (
        "network-policy-network-range",
        POLICIES % "[10.1.0.0/24]" + "aws-es-proxy: {enabled: true}",
        "audit-deployment aws-es-proxy-deployment",
    ),
    (
        "network-policy-storage-ranges",
        "global: {netPolicy: {enabled: true, dbSubnets: [172.1.0.0/24]}, aws: {region: eu-west-1}}",
        "eu-west-1 manifestservice-deployment peregrine-deployment",
    ),
    (
        "network-policy-dictionary",
        "global: {netPolicy: {enabled: true, dbSubnets: [172.1.0.0/24]}, dictionaryUrl: 'https://example.org/s.json'}",
        "peregrine-deployment example.org",
    ),
    ("network-policy-workspaces", POLICIES % "[172.1.0.0/24]", "netpolicy-usercode"),
    (
        "network-policy-malformed",
        POLICIES % "[172.1.0.0/24]" + "gen3-workflow: {enabled: true}",
        "funnel-worker-to-kubeapi-egress",
    ),
    ("autoscaler-and-replicas", "global: {autoscaling: {enabled: true}}", "global.autoscaling.enabled"),
    ("autoscaler-without-target", "sower: {enabled: true, autoscaling: {enabled: true}}", "sower-hpa"),
    ("autoscaling-without-template", "audit: {autoscaling: {enabled: true}}", "audit"),
    ("disruption-budget", "global: {pdb: true, minAvailable: 2}\nindexd: {replicaCount: 2}", "indexd-pdb"),
    (
        "disruption-budget",
        "global: {pdb: true}\ngen3-user-data-library: {enabled: true, replicaCount: 2}",
        "gen3-user-data-library-pdb empty",
    ),
    ("fence-encryption-key", LOCAL, "placeholder"),
    ("fence-encryption-key", FENCE % "{ENCRYPTION_KEY: short}", "invalid"),
    ("fence-mock-login", FENCE % "{MOCK_GOOGLE_AUTH: true}", "MOCK_GOOGLE_AUTH"),
    ("fence-provider-incomplete", FENCE % f"{{{KEY}}}", "google"),
    ("fence-bucket-credential", FENCE % "{S3_BUCKETS: {data: {cred: bot}}}", "bot"),
    ("fence-upload-bucket", FENCE % "{DATA_UPLOAD_BUCKET: uploads}", "unknown uploads"),
    ("fence-user-list", "fence: {usersync: {userYamlS3Path: s3://cdis-gen3-users/helm-test/user.yaml}}", "address"),
    ("fence-user-list", "fence: {usersync: {usersync: false}}", "example"),
    ("audit-log-queue", FENCE % "{ENABLE_AUDIT_LOGS: {login: true}}", "fence"),
    (
        "audit-log-queue",
        "audit: {externalSecrets: {createK8sAuditSecret: true}, server: {pull_from_queue: true}}",
        "audit",
    ),
    ("fence-visa-parsing", FENCE % "{GLOBAL_PARSE_VISAS_ON_LOGIN: true}", "GLOBAL_PARSE_VISAS_ON_LOGIN"),
    ("fence-public-setting-overruled", LOCAL + "fence: {FENCE_CONFIG_PUBLIC: {APP_NAME: Mine}}", "APP_NAME"),
    (
        "indexing-password-differs",
        "ssjdispatcher: {enabled: true, externalSecrets: {createK8sSsjdispatcherSecret: true}}",
        "placeholder",
    ),
    (
        "upload-queue-placeholder",
        "ssjdispatcher: {enabled: true, externalSecrets: {createK8sSsjdispatcherSecret: true}}",
        "queue",
    ),
    ("secret-made-anew", LOCAL, "fence-jwt-keys"),
    ("secret-made-anew", LOCAL, "dbcreds"),
    ("secret-made-anew", LOCAL, "indexd-service-creds"),
    ("secret-made-anew", LOCAL, "wts-g3auto"),
    ("secret-made-anew", LOCAL, "metadata-g3auto"),
    ("job-cannot-change", "", "indexd-userdb"),
    (
        "slack-webhook-encoded",
        "global: {externalSecrets: {deploy: false}, createSlackWebhookSecret: true, slackWebhook: x}",
        "slack-webhook",
    ),
    ("push-secret-without-source", "fence: {externalSecrets: {pushSecret: true}}", "fence-jwt-keys"),
    ("dicom-secret-not-made", LOCAL + "orthanc: {enabled: true}", "orthanc"),
    ("dicom-secret-not-made", LOCAL + "dicom-server: {enabled: true}", "dicom-server"),
    ("image-reference-invalid", "dicom-server: {enabled: true}", "Deployment dicom-server-deployment"),
    (
        "image-reference-invalid",
        "hatchery: {workspaceLaunchTest: {enabled: true}}",
        "CronJob workspace-launch-test",
    ),
    ("workflow-jobs-namespace", "gen3-workflow: {enabled: true}", "workflow-pods-alpha"),
    (
        "pulled-key-missing",
        "manifestservice: {manifestserviceG3auto: {awsaccesskey: a, awssecretkey: b}}",
        "Deployment manifestservice-deployment manifestservice-g3auto aws_access_key_id aws_secret_access_key",
    ),
    ("postgres-port-ignored", "global: {postgres: {master: {port: '6432'}}}", "fence wts"),
    (
        "portal-build-with-crossplane",
        "portal: {portalBuild: {enabled: true}}\nglobal: {crossplane: {enabled: true}}",
        "portal",
    ),
    ("external-login-of-workspaces", "wts: {secrets: {external_oidc: [{base_url: https://x.org}]}}", "external_oidc"),
    ("admin-password-unusable", LOCAL, "metadata-g3auto"),
    ("aws-key-incomplete", "global: {aws: {awsSecretAccessKey: x}}", "global.aws awsSecretAccessKey"),
    (
        "workspace-proxy-namespace",
        "workspace-proxy: {enabled: true}\njeg: {enabled: true}",
        "jeg.workspaceNamespace jupyter-pods-alpha",
    ),
    (
        "robots-file-resets-proxy",
        "revproxy: {enableRobotsTxt: true, nginx: {resolver: dns.example.org}}",
        "revproxy.nginx.resolver",
    ),
    ("upload-cron-credentials", "data-upload-cron: {enabled: true}\nssjdispatcher: {enabled: true}", "secretName"),
    ("cedar-ingestion-credentials", "cedar: {enabled: true}", "cedar-g3auto"),
    (
        "pod-list-incomplete",
        "fence: {volumes: [{name: mine, emptyDir: {}}]}",
        "fence volumes",
    ),
    (
        "pod-list-incomplete",
        "fence: {env: [{name: DB, value: 'postgresql://$(PGUSER)@db'}]}",
        "fence env",
    ),
]
QUIET = {"job-cannot-change"}  # the chart's own Jobs are there whatever the values


@pytest.fixture(scope="module")
def chart(real: Path) -> ChartArchive:
    return pack("gen3", "0.3.90", files_of(real / "gen3-chart-0.3.90.tgz"))


@pytest.fixture(scope="module")
def renderer() -> Iterator[ChildRenderer]:
    with ChildRenderer(workers=2) as found:
        yield found


def check(renderer: ChildRenderer, chart: ChartArchive, text: str) -> dict[str, set[str]]:
    """What is found with BASE and the text over it: keys by rule."""
    layers = [
        Layer(name, _data(part), lambda _: location("values.yaml")) for name, part in (("base", BASE), ("own", text))
    ]
    values = EffectiveValues.merge(layers)
    rendering = renderer.render(RenderRequest(chart, values.data, "alpha", "alpha"))
    merged = rendering.values if rendering.failure is None else merge_mappings(renderer.defaults(chart), values.data)
    used = ChartUsed("gen3-0.3.90", "gen3-0.3.90", differs=False)
    state = EnvironmentState(environment_view(), values, merged, rendering, used)
    found: dict[str, set[str]] = {}
    for finding in check_environment(state, RULES):
        found.setdefault(finding.rule, set()).add(finding.key)
    return found


def _data(text: str) -> dict[str, Any]:
    documents = yamltext.parse(text.encode())
    return dict(documents[0].data) if documents else {}


@pytest.mark.parametrize(("rule", "values", "key"), CASES)
def test_the_rule_finds_its_case_on_the_real_chart(
    renderer: ChildRenderer, chart: ChartArchive, rule: str, values: str, key: str
) -> None:
    found = check(renderer, chart, values)
    assert "check-failed" not in found
    assert key in found.get(rule, set())


def test_the_rules_of_these_cases_are_quiet_where_nothing_is_wrong(
    renderer: ChildRenderer, chart: ChartArchive
) -> None:
    found = check(renderer, chart, "")
    assert not ({rule for rule, _, _ in CASES} - QUIET) & found.keys()
