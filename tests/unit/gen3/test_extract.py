"""What extraction says of an environment, by hand-made values."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.fleet.values import merge_mappings
from csoc.gen3 import catalogue, facts
from csoc.gen3.extract import extract
from csoc.gen3.facts import Access, Claim, EnvironmentFacts, Kind, ServiceFact
from csoc.gen3.images import split_image
from csoc.gen3.state import EnvironmentState
from csoc.gen3.views import MANIFEST
from csoc.testing.states import environment_state, environment_view
from tests.unit.gen3.claims import claims_of

ACCOUNT = "111122223333"


def state(values: str = "", **options: Any) -> EnvironmentState:
    """A state over the catalogue's defaults."""
    defaults = merge_mappings(catalogue.load().defaults(), options.pop("defaults", {}))
    return environment_state(values, defaults=defaults, **options)


def identities(found: EnvironmentFacts, kind: str) -> set[str]:
    return {item.identity for item in claims_of(found, Kind(kind))}


def claim(found: EnvironmentFacts, kind: str, identity: str) -> Claim:
    return next(item for item in claims_of(found, Kind(kind)) if item.identity == identity)


def test_a_service_takes_its_image_from_values_then_chart_then_catalogue() -> None:
    found = extract(
        state(
            "fence: {image: {tag: '2026.03'}}\nindexd: {image: {repository: mirror.example.org/indexd}}",
            defaults={"arborist": {"image": {"tag": "from-the-chart"}}},
        )
    ).services
    assert (found["fence"].repository, found["fence"].tag, found["fence"].pinned_here) == (
        "quay.io/cdis/fence",
        "2026.03",
        True,
    )
    assert found["fence"].location is not None
    assert found["fence"].location.line == 1
    assert (found["indexd"].repository, found["indexd"].tag) == ("mirror.example.org/indexd", "master")
    assert not found["indexd"].pinned_here
    assert found["arborist"].tag == "from-the-chart"


def test_one_service_can_have_several_images() -> None:
    found = extract(
        state(
            "etl: {image: {tube: {tag: 1.0.4}, spark: {tag: '3.3'}}}\n"
            "ssjdispatcher: {enabled: true, indexing: 'quay.io/cdis/indexs3client:2026.04'}\n"
            "hatchery: {hatchery: {sidecarContainer: {image: 'quay.io/cdis/ecs-ws-sidecar:master'}}}\n"
        )
    ).services
    assert (found["etl"].tag, found["etl/spark"].tag) == ("1.0.4", "3.3")
    assert (found["ssjdispatcher/indexing"].repository, found["ssjdispatcher/indexing"].tag) == (
        "quay.io/cdis/indexs3client",
        "2026.04",
    )
    assert found["hatchery/sidecar"].tag == "master"


def test_a_workspace_manifest_in_json_names_the_sidecar() -> None:
    manifest = json.dumps({"sidecar": {"image": "quay.io/cdis/ecs-ws-sidecar:0.3.2"}, "user-namespace": "pods"})
    found = extract(state(f"hatchery: {{hatchery: {{json: '{manifest}'}}}}"))
    assert found.services["hatchery/sidecar"].tag == "0.3.2"
    assert identities(found, "workspace namespace") == {"pods"}


def test_a_workspace_manifest_that_is_no_json_costs_only_itself() -> None:
    found = extract(state("hatchery: {hatchery: {json: '{'}}"))
    assert "hatchery/sidecar" not in found.services
    assert identities(found, "workspace namespace") == {"jupyter-pods-alpha"}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("fence:1", ("fence", "1")),
        ("host:5000/a/b", ("host:5000/a/b", "")),
        ("a/b:t@sha256:0", ("a/b", "t@sha256:0")),
        ("a/b@sha256:0", ("a/b", "@sha256:0")),
        ("a/b", ("a/b", "")),
    ],
)
def test_an_image_name_is_split_at_the_tag_and_not_at_the_port(name: str, parts: tuple[str, str]) -> None:
    assert split_image(name) == parts


def test_a_number_for_a_tag_is_what_helm_makes_of_it() -> None:
    assert extract(state("fence: {image: {tag: 2025.10}}")).services["fence"].tag == "2025.1"


def test_services_that_only_this_chart_has_are_found_and_dead_keys_are_not() -> None:
    chart = frozenset({"newcomer.enabled", "newcomer.image.repository", "newcomer.image.tag"})
    found = extract(
        state(
            "fluentd: {enabled: true, image: {repository: fluent/fluentd, tag: v1}}",
            defaults={"newcomer": {"enabled": True, "image": {"repository": "quay.io/cdis/newcomer", "tag": "main"}}},
            chart_keys=chart,
        )
    ).services
    assert found["newcomer"].tag == "main"
    assert found["newcomer"].enabled
    assert "fluentd" not in found


def test_funnel_is_on_with_gen3_workflow() -> None:
    assert extract(state("gen3-workflow: {enabled: true}")).services["funnel"].enabled
    assert not extract(state("funnel: {enabled: true}")).services["funnel"].enabled


def test_default_names_in_secrets_manager_are_claimed_in_account_and_region() -> None:
    found = extract(
        state(
            "global:\n"
            "  environment: prod\n"
            "  externalSecrets: {deploy: true}\n"
            f"  aws: {{region: us-west-2, secretStoreServiceAccount: {{roleArn: 'arn:aws:iam::{ACCOUNT}:role/x'}}}}\n"
            "fence: {externalSecrets: {fenceConfig: own-fence-config, createK8sGoogleAppSecrets: true}}\n"
        )
    )
    names = identities(found, "secret")
    assert {"prod-fence-creds", "own-fence-config", "fence-jwt-keys", "indexd-service-creds"} <= names
    assert "fence-config" not in names
    assert "fence-google-app-creds-secret" not in names  # kept local
    assert "prod-requestor-creds" not in names  # off by default
    assert "wts-oidc-client" not in names  # a job makes it by default
    assert claim(found, "secret", "own-fence-config").scope == f"{ACCOUNT}/us-west-2"
    assert claim(found, "secret", "own-fence-config").location is not None
    assert claim(found, "secret", "own-fence-config").key == "fence.externalSecrets.fenceConfig"


def test_without_external_secrets_nothing_is_claimed_in_secrets_manager() -> None:
    assert identities(extract(state("fence: {externalSecrets: {fenceConfig: unused}}")), "secret") == set()


def test_a_master_credential_is_read_since_environments_may_share_it() -> None:
    found = extract(state("global: {externalSecrets: {deploy: true}, postgres: {externalSecret: master}}"))
    assert claim(found, "secret", "master").access == "read"


def test_where_the_account_is_not_known_secrets_belong_to_the_cluster() -> None:
    found = extract(state("global: {externalSecrets: {deploy: true}}", cluster="east"))
    assert {item.scope for item in claims_of(found, Kind.SECRET)} == {"east"}


def test_databases_made_by_helm_are_claimed_on_their_server() -> None:
    found = extract(
        state(
            "global: {dev: false, postgres: {master: {host: DB.example.org}}}\n"
            "fence: {postgres: {database: fence_main, username: fence_user}}\n",
            release="gen3",
        )
    )
    assert {"fence_main", "indexd_gen3"} <= identities(found, "database")
    assert claim(found, "database", "fence_main").scope == "db.example.org"
    assert "fence_user" in identities(found, "database user")
    assert "requestor_gen3" not in identities(found, "database")


def test_in_development_the_database_server_is_the_releases_own() -> None:
    found = extract(state("", release="gen3", namespace="n", cluster="c"))
    assert {item.scope for item in claims_of(found, Kind.DATABASE)} == {"c/n/gen3-postgresql"}


def test_database_names_inside_a_secret_are_not_guessed() -> None:
    external = "global: {dev: false, externalSecrets: {deploy: true%s}, postgres: {externalSecret: master}}"
    assert identities(extract(state(external % "")), "database") == set()
    assert identities(extract(state(external % ", pushSecret: true")), "database") == set()
    kept = extract(state(external % ", createLocalK8sSecret: true"))
    assert "fence_alpha" in identities(kept, "database")
    assert claim(kept, "database", "fence_alpha").scope == "server of secret master in alpha"


def test_indices_live_on_the_server_behind_the_signing_proxy() -> None:
    found = extract(
        state(
            "global: {dev: false}\n"
            "aws-es-proxy: {enabled: true, esEndpoint: vpc-search.us-east-1.es.amazonaws.com}\n"
            "etl: {esEndpoint: elasticsearch, etlMapping: {mappings: [{name: case, doc_type: case}]}}\n"
            "guppy:\n"
            "  enabled: true\n"
            "  esEndpoint: http://elasticsearch:9200\n"
            "  indices: [{index: case, type: case}]\n"
            "  configIndex: [case-array-config]\n"
        )
    )
    assert identities(found, "search endpoint") == {"vpc-search.us-east-1.es.amazonaws.com"}
    indices = claims_of(found, Kind.SEARCH_INDEX)
    assert {(item.identity, item.access) for item in indices} == {
        ("case", "own"),
        ("case-array-config", "own"),
        ("case", "read"),
        ("case-array-config", "read"),
    }
    assert {item.scope for item in indices} == {"vpc-search.us-east-1.es.amazonaws.com"}


def test_without_a_proxy_the_search_server_is_the_named_or_the_namespaces_own() -> None:
    mapping = "etl: {esEndpoint: %s, etlMapping: {mappings: [{name: case}]}}"
    named = extract(state(mapping % "https://search.example.org:443"))
    assert {item.scope for item in claims_of(named, Kind.SEARCH_INDEX)} == {"search.example.org"}
    own = extract(state(mapping % "gen3-elasticsearch-master", namespace="n", cluster="c"))
    assert {item.scope for item in claims_of(own, Kind.SEARCH_INDEX)} == {"c/n/gen3-elasticsearch-master"}


def test_services_that_are_off_claim_nothing() -> None:
    off = "etl: {enabled: false, etlMapping: {mappings: [{name: case}]}}\nguppy: {indices: [{index: case}]}\n"
    off += "dashboard: {dashboardConfig: {bucket: pages, prefix: x}}"
    found = extract(state(off))
    assert claims_of(found, Kind.SEARCH_INDEX, Kind.BUCKET) == []


def test_buckets_carry_their_prefix_and_how_they_are_used() -> None:
    found = extract(
        state(
            "fence:\n"
            "  usersync: {usersync: true, userYamlS3Path: s3://users/alpha/user.yaml}\n"
            "  FENCE_CONFIG: {DATA_UPLOAD_BUCKET: uploads, S3_BUCKETS: {data: {cred: x}}}\n"
            "manifestservice: {manifestserviceG3auto: {bucketName: manifests, prefix: /alpha/}}\n"
            "dashboard: {enabled: true, dashboardConfig: {bucket: pages, prefix: alpha.example.org}}\n"
            "ssjdispatcher: {enabled: true, ssjcreds: {jobPattern: 's3://uploads/*'}}\n"
            "sower: {enabled: true, sowerConfig: [{container: {env: [{name: BUCKET, value: exports}]}}]}\n"
        )
    )
    assert {(item.identity, item.access) for item in claims_of(found, Kind.BUCKET)} == {
        ("users/alpha/user.yaml", "read"),
        ("uploads", "write"),
        ("uploads", "read"),
        ("data", "read"),
        ("manifests/alpha", "write"),
        ("pages/alpha.example.org", "read"),
        ("exports", "write"),
    }


def test_a_bucket_that_stands_in_a_secret_is_not_taken_from_values() -> None:
    text = "manifestservice: {manifestserviceG3auto: {bucketName: manifests, prefix: x}%s}\n"
    text += "global: {externalSecrets: {deploy: true}}"
    assert identities(extract(state(text % "")), "bucket") == set()
    kept = text % ", externalSecrets: {createK8sManifestServiceSecret: true}"
    assert identities(extract(state(kept)), "bucket") == {"manifests/x"}


def test_fences_secret_configuration_counts_only_where_values_make_it() -> None:
    text = "fence: {FENCE_CONFIG: {DATA_UPLOAD_BUCKET: a}, FENCE_CONFIG_PUBLIC: {DATA_UPLOAD_BUCKET: b}}\n"
    assert identities(extract(state(text)), "bucket") == {"a", "b"}
    external = extract(state(text + "global: {externalSecrets: {deploy: true}}"))
    assert identities(external, "bucket") == {"b"}


def test_a_licence_may_be_shared() -> None:
    found = extract(state("global: {externalSecrets: {deploy: true}}"))
    assert claim(found, "secret", "stata-workspace-gen3-license").access == "read"


def test_indices_that_the_chart_ships_as_an_example_are_not_claimed() -> None:
    example = {
        "etl": {"etlMapping": {"mappings": [{"name": "dev_case"}]}},
        "guppy": {"indices": [{"index": "dev_case"}]},
    }
    assert identities(extract(state("guppy: {enabled: true}", defaults=example)), "search index") == set()


def test_an_image_of_a_part_that_is_off_is_off() -> None:
    export = "audit: {auditServiceExport: {enabled: %s, image: {tag: '1'}}}"
    assert not extract(state(export % "false")).services["audit/export"].enabled
    assert extract(state(export % "true")).services["audit/export"].enabled


def test_the_users_file_is_not_read_while_usersync_is_off() -> None:
    text = "fence: {usersync: {usersync: false, userYamlS3Path: s3://users/user.yaml}}"
    assert identities(extract(state(text)), "bucket") == set()


def test_queues_are_known_by_their_address() -> None:
    url = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/audit"
    found = extract(state(f"audit: {{server: {{pull_from_queue: true, sqs: {{url: '{url}'}}}}}}"))
    assert identities(found, "queue") == {f"sqs.us-east-1.amazonaws.com/{ACCOUNT}/audit"}
    off = extract(state(f"audit: {{server: {{pull_from_queue: false, sqs: {{url: '{url}'}}}}}}"))
    assert identities(off, "queue") == set()


def test_a_role_is_an_arn_however_it_is_written() -> None:
    annotation = f"arn:aws:iam::{ACCOUNT}:role/manifests"
    found = extract(
        state(
            f"global: {{aws: {{enabled: true, account: '{ACCOUNT}', hatchery_role: spaces}}}}\n"
            f"manifestservice: {{serviceAccount: {{annotations: {{eks.amazonaws.com/role-arn: '{annotation}'}}}}}}\n"
            f"requestor: {{serviceAccount: {{annotations: {{eks.amazonaws.com/role-arn: '{annotation}-off'}}}}}}\n"
        )
    )
    assert identities(found, "role") == {annotation, f"arn:aws:iam::{ACCOUNT}:role/spaces"}


def test_the_edge_is_claimed_only_on_aws() -> None:
    edge = (
        "global:\n"
        "  environment: prod\n"
        "  hostname: Alpha.Example.org\n"
        f"  revproxyArn: arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1\n"
        "  aws: {enabled: %s, wafv2: {enabled: true, wafAclArn: arn:acl}}\n"
    )
    on = extract(state(edge % "true", cluster="east"))
    assert identities(on, "hostname") == {"alpha.example.org"}
    assert [(item.identity, item.scope) for item in claims_of(on, Kind.LOAD_BALANCER_GROUP)] == [("prod", "east")]
    assert identities(on, "certificate") == {f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"}
    assert identities(on, "web acl") == {"arn:acl"}
    off = extract(state(edge % "false"))
    assert claims_of(off, Kind.LOAD_BALANCER_GROUP, Kind.CERTIFICATE, Kind.WEB_ACL) == []


def test_hosts_of_an_own_ingress_are_claimed_too() -> None:
    text = "global: {hostname: a.org}\nrevproxy: {ingress: {enabled: true, hosts: [{host: b.org}, {host: 1}, c]}}"
    assert identities(extract(state(text)), "hostname") == {"a.org", "b.org"}


def test_clusters_that_are_not_known_never_meet() -> None:
    one, two = (extract(state("", view=environment_view(name, cluster="unknown"))) for name in ("a", "b"))
    assert claim(one, "namespace", "alpha").scope != claim(two, "namespace", "alpha").scope


def test_a_rendering_is_more_exact_than_values() -> None:
    secret = {
        "kind": "ExternalSecret",
        "metadata": {"name": "fence-config"},
        "spec": {"data": [{"remoteRef": {"key": "really-this"}}], "target": {"name": "fence-config"}},
    }
    all_of = {
        "kind": "ExternalSecret",
        "metadata": {"name": "wts-dbcreds"},
        "spec": {"dataFrom": [{"extract": {"key": "prod-wts-creds"}}]},
    }
    push = {
        "kind": "PushSecret",
        "metadata": {"name": "fence-dbcreds"},
        "spec": {"data": [{"match": {"remoteRef": {"remoteKey": "prod-fence-creds"}}}]},
    }
    ingress = {
        "kind": "Ingress",
        "metadata": {"annotations": {"alb.ingress.kubernetes.io/group.name": "shared"}},
        "spec": {"rules": [{"host": "x.org"}], "tls": [{"hosts": ["y.org"]}]},
    }
    text = "global: {hostname: ignored.org, externalSecrets: {deploy: true}}"
    found = extract(state(text, objects=[secret, all_of, push, ingress, {"kind": "Ingress", "spec": "broken"}]))
    assert found.rendered
    assert identities(found, "secret") == {"really-this", "prod-wts-creds", "prod-fence-creds"}
    assert claim(found, "secret", "prod-fence-creds").access == "write"
    assert claim(found, "secret", "really-this").key == "fence.externalSecrets.fenceConfig"
    assert identities(found, "hostname") == {"x.org", "y.org"}
    assert identities(found, "load balancer group") == {"shared"}


def test_an_older_manifest_claims_only_what_it_says() -> None:
    view = dataclasses.replace(environment_view(), system=MANIFEST)
    found = extract(state("global: {hostname: a.org}\netl: {etlMapping: {mappings: [{name: case}]}}", view=view))
    assert {item.kind for item in found.claims} == {"hostname"}


def test_settings_are_what_was_written_flat_and_short() -> None:
    found = extract(
        state(
            "global: {dev: false, tierAccessLimit: 50}\nportal: {gitops: {css: '%s'}}\nsower: {env: [1, 2]}"
            % ("x" * 999)
        )
    ).settings
    assert found["global.dev"] is False
    assert found["global.tierAccessLimit"] == 50
    assert str(found["portal.gitops.css"]).startswith("999 characters, sha256 ")
    assert str(found["sower.env"]).startswith("2 items, sha256 ")
    assert "fence.enabled" not in found


def test_no_secret_gets_into_settings_or_their_digests() -> None:
    text = "fence: {FENCE_CONFIG: {ENCRYPTION_KEY: %s, keys: [{client_secret: %s}]}}"
    one = extract(state(text % ("hunter2hunter2", "aaaaaaaaaaaa")))
    two = extract(state(text % ("hunter3hunter3", "bbbbbbbbbbbb")))
    assert one.settings == two.settings
    assert "hunter2" not in facts.to_json(one)


def test_facts_survive_the_cache() -> None:
    found = extract(state("fence: {image: {tag: '1'}}\nglobal: {hostname: a.org}"))
    assert facts.from_json(facts.to_json(found)) == found


_text = st.text(max_size=8)


@given(
    st.builds(
        EnvironmentFacts,
        environment=_text,
        services=st.dictionaries(_text, st.booleans()).map(
            lambda names: {name: ServiceFact(name, on, "r", "t", on) for name, on in names.items()}
        ),
        claims=st.lists(st.builds(Claim, st.sampled_from(Kind), _text, _text, st.sampled_from(Access), _text)).map(
            tuple
        ),
        settings=st.dictionaries(_text, st.one_of(st.none(), st.booleans(), st.integers(), _text)),
        rendered=st.booleans(),
        chart_digest=_text,
    )
)
def test_any_facts_survive_the_cache(found: EnvironmentFacts) -> None:
    assert facts.from_json(facts.to_json(found)) == found


_odd = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=10,
)
_known = st.sampled_from(
    ["global", "fence", "guppy", "etl", "hatchery", "sower", "audit", "revproxy", "metadata", "manifestservice"]
)
_keys = st.sampled_from(
    [
        "enabled",
        "image",
        "tag",
        "indices",
        "etlMapping",
        "mappings",
        "aws",
        "externalSecrets",
        "hatchery",
        "sowerConfig",
    ]
)


@given(st.dictionaries(_known, st.one_of(_odd, st.dictionaries(_keys, _odd))))
def test_values_of_any_shape_are_survived(values: dict[str, Any]) -> None:
    made = environment_state("")
    odd = EnvironmentState(
        view=made.view,
        values=type(made.values)(data=values),
        merged=merge_mappings(catalogue.load().defaults(), values),
    )
    assert extract(odd).environment == "alpha-prod"


def test_kinds_and_accesses_are_kept_as_plain_text_and_no_others_are_read_back() -> None:
    kept = facts.to_json(extract(state("global: {hostname: a.example.org}\n")))
    assert '["hostname","a.example.org","","own","global.hostname"' in kept
    for right, wrong in (('["hostname"', '["hostnam"'), ('"own","global.hostname"', '"owns","global.hostname"')):
        with pytest.raises(ValueError, match="is not a valid"):
            facts.from_json(kept.replace(right, wrong))
