"""What rules about secrets, stores, search and ways in find in the real chart's manifests, and that its own ways to run
stay quiet: most services in development, and a production with local secrets and an Ingress of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from csoc import bootstrap
from csoc.config import loading
from csoc.fleet.charts import ChartArchive, ChartRenderer, RenderRequest
from csoc.fleet.values import EffectiveValues, merge_mappings
from csoc.gen3.checking import check_environment
from csoc.gen3.rules import (
    config_map_not_made,
    database_host_missing,
    database_login_missing,
    database_never_ready,
    entry_point_missing,
    entry_point_twice,
    google_secrets_expected,
    role_arn_malformed,
    search_endpoint_unusable,
    search_proxies_both,
    search_server_missing,
    secret_key_not_made,
    secret_not_made,
    secret_store_credentials_missing,
    secret_store_missing,
    secret_store_operator_identity,
    workspace_namespaces_differ,
)
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_view, layer

RULES = [
    module.RULE
    for module in (
        config_map_not_made,
        database_host_missing,
        database_login_missing,
        database_never_ready,
        entry_point_missing,
        entry_point_twice,
        google_secrets_expected,
        role_arn_malformed,
        search_endpoint_unusable,
        search_proxies_both,
        search_server_missing,
        secret_key_not_made,
        secret_not_made,
        secret_store_credentials_missing,
        secret_store_missing,
        secret_store_operator_identity,
        workspace_namespaces_differ,
    )
]
ON = "".join(
    f"{name}: {{enabled: true}}\n"
    for name in (
        *("access-backend", "argo-wrapper", "cedar", "cohort-middleware", "dashboard", "frontend-framework"),
        *("gen3-analysis", "gen3-user-data-library", "guppy", "requestor", "sower", "ssjdispatcher"),
    )
)
PRODUCTION = "global: {dev: false, hostname: a.example.org, postgres: {master: {host: db, password: x}}}\n"
INGRESS = "revproxy: {ingress: {enabled: true, hosts: [{host: a.example.org, paths: [{path: /, pathType: Prefix}]}]}}\n"
EXTERNAL = (
    "global:\n  dev: false\n  hostname: a.example.org\n  postgres: {dbCreate: false}\n"
    "  externalSecrets: {deploy: true}\n  aws:\n    enabled: true\n    account: '111122223333'\n"
    "    hatchery_role: pods\n    secretStoreServiceAccount: {enabled: true, roleArn: ROLE}\n"
    "fence: {externalSecrets: {createK8sGoogleAppSecrets: true}}\n"
).replace("ROLE", "'arn:aws:iam::111122223333:role/reader'")

CASES = {
    "development with most services on": ("global: {dev: true}\n" + ON, set()),
    "production with local secrets": (PRODUCTION + INGRESS, set()),
    "production with External Secrets": (EXTERNAL, set()),
    "databases that nobody makes": (
        PRODUCTION.replace("postgres: {", "postgres: {dbCreate: false, ") + INGRESS,
        {("database-never-ready", "dbcreated")},
    ),
    "a database host that nobody gives": (
        EXTERNAL.replace("deploy: true", "deploy: true, pushSecret: true"),
        {
            (
                "database-host-missing",
                "global.externalSecrets.pushSecret arborist audit fence indexd metadata peregrine sheepdog wts",
            )
        },
    ),
    "a store without credentials": (
        EXTERNAL.replace("secretStoreServiceAccount: {enabled: true", "secretStoreServiceAccount: {enabled: false"),
        {("secret-store-credentials-missing", "gen3-secret-store keys")},
    ),
    "a store that has to fetch its own keys": (
        EXTERNAL.replace(
            "secretStoreServiceAccount: {enabled: true",
            "externalSecrets: {enabled: on, externalSecretAwsCreds: k}\n    secretStoreServiceAccount: {enabled: no",
        ),
        {("secret-store-credentials-missing", "gen3-secret-store circle")},
    ),
    "a store without auth": (
        EXTERNAL.replace(
            "    hatchery_role", "    useLocalSecret: {enabled: true, localSecretName: k}\n    hatchery_role"
        ),
        {("secret-store-operator-identity", "gen3-secret-store"), ("secret-not-made", "k")},
    ),
    "a service that asks a store that is not made": (
        "global: {dev: true}\northanc: {enabled: true}\n",
        {("secret-store-missing", "gen3-secret-store")},
    ),
    "the OHDSI configuration with External Secrets": (
        EXTERNAL + "ohdsi-webapi: {enabled: true}\n",
        {("secret-not-made", "ohdsi-webapi-config")},
    ),
    "services without fence": (
        "global: {dev: true}\nfence: {enabled: false}\nindexd: {enabled: false}\n",
        {
            ("config-map-not-made", "useryaml"),
            ("secret-not-made", "fence-config"),
            ("secret-not-made", "fence-dbcreds"),
            ("secret-not-made", "indexd-service-creds"),
        },
    ),
    "Google nobody mentions": (
        EXTERNAL.replace("createK8sGoogleAppSecrets: true", "createK8sGoogleAppSecrets: false"),
        {("google-secrets-expected", "default names")},
    ),
    "a role's ARN for its name": (
        EXTERNAL.replace("hatchery_role: pods", "hatchery_role: 'arn:aws:iam::111122223333:role/pods'"),
        {("role-arn-malformed", "hatchery-service-account inside")},
    ),
    "search without a server": (EXTERNAL + "guppy: {enabled: true}\n", {("search-server-missing", "guppy")}),
    "two proxies": (
        EXTERNAL.replace("hatchery_role", "awsEsProxyRole: es\n    hatchery_role")
        + "aws-es-proxy: {enabled: true}\naws-sigv4-proxy: {enabled: true, esEndpoint: 'https://a.b'}\n",
        {
            ("search-proxies-both", "both"),
            ("search-endpoint-unusable", "aws-es-proxy placeholder"),
            ("search-endpoint-unusable", "aws-sigv4-proxy scheme"),
        },
    ),
    "no way in": (PRODUCTION, {("entry-point-missing", "none")}),
    "two ways in for one host": (
        "global: {dev: true, hostname: a.example.org}\n" + INGRESS,
        {("entry-point-twice", "a.example.org alpha-revproxy revproxy-dev")},
    ),
    "workspaces in another namespace": (
        EXTERNAL + "hatchery: {jupyterNamespace: pods}\n",
        {("workspace-namespaces-differ", "jupyter-pods-alpha pods")},
    ),
}


@pytest.fixture(scope="module")
def chart(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ChartRenderer, ChartArchive]]:
    """The renderer and the archive."""
    settings = loading.load({"CSOC_CACHE_DIR": str(tmp_path_factory.mktemp("cache")), "HOME": "/nowhere"})
    with bootstrap.ports(settings) as ports:
        yield ports.renderer, ports.charts.load(str(real / "gen3-chart-0.3.90.tgz"))


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=list(CASES))
def test_the_rules_find_these_things_and_nothing_else(
    text: str, expected: set[tuple[str, str]], chart: tuple[ChartRenderer, ChartArchive]
) -> None:
    renderer, archive = chart
    values = EffectiveValues.merge([layer(text)])
    rendering = renderer.render(RenderRequest(archive, values.data, release="alpha", namespace="alpha"))
    failed = rendering.failure is not None
    merged = merge_mappings(renderer.defaults(archive), values.data) if failed else rendering.values
    state = EnvironmentState(environment_view(), values, merged, rendering)
    assert {(item.rule, item.key) for item in check_environment(state, RULES)} == expected
