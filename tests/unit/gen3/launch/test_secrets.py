"""Secrets: the shapes that the chart reads, values that agree with each other, and nothing that shows itself.

Where a predecessor went wrong (facts of the CDK stacks of another organisation, its credentials), there is a test.
"""

from __future__ import annotations

import base64
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import RejectedError
from csoc.fleet.masking import looks_secret
from csoc.gen3.catalogue import load
from csoc.gen3.launch import bundles, documents
from csoc.gen3.launch.secrets import INDEX, KEPT_BY_HELM, plan_secrets
from csoc.gen3.launch.secretvalues import SecretValue, database_name
from csoc.provisioning import names
from tests.unit.gen3.launch.launching import ASKED, answers, counting_bytes, launch, secret_values

EVERYTHING = [*bundles.BUNDLES, "gen3-user-data-library"]


def texts(values: tuple[SecretValue, ...]) -> dict[str, str]:
    return {value.name: value.text for value in values}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return texts(secret_values(launch(answers(EVERYTHING))))


def test_a_database_is_ready_from_the_start_and_has_a_login_of_its_own(made: dict[str, str]) -> None:
    for name, text in made.items():
        if not name.endswith("-dbcreds"):
            continue
        login = json.loads(text)
        service = name.removesuffix("-dbcreds")
        assert list(login) == ["host", "port", "username", "password", "database", "dbcreated"]
        assert login["dbcreated"] == "true"
        assert login["port"] == "5432"
        assert login["database"] == login["username"] == database_name(service, "u000000003")


def test_names_of_databases_are_no_words_of_each_other() -> None:
    """The chart's job looks a database up with grep -w, for which a hyphen ends a word."""
    uids = ["u000000001", "u000000002"]
    services = bundles.needs_database(bundles.select(EVERYTHING).on)
    databases = [database_name(service, uid) for uid in uids for service in services]
    assert len(set(databases)) == len(databases)
    for name in databases:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)
        others = [other for other in databases if other != name and re.search(rf"\b{name}\b", other)]
        assert others == []


def test_passwords_are_letters_and_digits_since_the_chart_puts_them_into_addresses(made: dict[str, str]) -> None:
    passwords = [json.loads(text)["password"] for name, text in made.items() if name.endswith("-dbcreds")]
    passwords += json.loads(made["indexd-service-creds"]).values()
    assert len(set(passwords)) == len(passwords)
    assert all(len(password) == 32 and password.isalnum() and password.isascii() for password in passwords)


def test_every_character_of_a_password_is_equally_likely() -> None:
    # The bytes from 248 on would favour the first eight letters; they are thrown away.
    plan = launch(answers(["minimal"]))
    rounds = iter([bytes([255] * 64), bytes(range(64)), *[bytes(range(64))] * 50])
    values = secret_values(plan, ["arborist-dbcreds"], random=lambda length: next(rounds))
    assert json.loads(values[0].text)["password"] == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"


def test_fence_gets_a_key_of_32_bytes_and_the_client_that_was_asked_for(made: dict[str, str]) -> None:
    config = yaml.safe_load(made["fence-config"])
    assert config["BASE_URL"] == "https://heart.example.org/user"
    assert len(base64.urlsafe_b64decode(config["ENCRYPTION_KEY"])) == 32
    asked = ASKED["fence-config"]
    client = {"client_id": asked["client-id"], "client_secret": asked["client-secret"]}
    assert config["OPENID_CONNECT"] == {"google": client}


def test_a_client_id_with_signs_of_yaml_stays_what_it_is() -> None:
    hostile = {"fence-config": {"client-id": "a: {b} # c", "client-secret": "'\"\\!&*|>%@`-?"}}
    values = texts(secret_values(launch(answers(["minimal"])), ["fence-config"], asked=hostile))
    client = yaml.safe_load(values["fence-config"])["OPENID_CONNECT"]["google"]
    assert client == {"client_id": "a: {b} # c", "client_secret": "'\"\\!&*|>%@`-?"}


def test_the_signing_key_is_the_whole_secret(made: dict[str, str]) -> None:
    assert made["fence-jwt-keys"] == "PEM\n"


def test_workspace_tokens_have_keys_and_addresses(made: dict[str, str]) -> None:
    outer = json.loads(made["wts-g3auto"])
    credentials = json.loads(outer["appcreds.json"])
    assert len(base64.urlsafe_b64decode(credentials["encryption_key"])) == 32
    assert credentials["encryption_key"] != credentials["secret_key"]
    assert credentials["wts_base_url"] == "https://heart.example.org/wts/"
    assert credentials["external_oidc"] == []


# What went wrong elsewhere


def test_1_the_dispatcher_has_indexds_password_and_no_placeholder(made: dict[str, str]) -> None:
    job = json.loads(made["ssjdispatcher-creds"])["JOBS"][0]
    users = json.loads(made["indexd-service-creds"])
    assert set(users) == {"fence", "sheepdog", "ssj", "gateway"}
    assert job["imageConfig"]["username"] == "ssj"
    assert job["imageConfig"]["password"] == users["ssj"]
    assert not any("replace" in text.lower() for text in made.values())


def test_2_the_dispatcher_signs_in_to_metadata_with_the_gateways_password(made: dict[str, str]) -> None:
    service = json.loads(made["ssjdispatcher-creds"])["JOBS"][0]["imageConfig"]["metadataService"]
    settings = json.loads(made["metadata-g3auto"])
    assert f"ADMIN_LOGINS=gateway:{service['password']}\n" in settings["metadata.env"]
    login = base64.b64decode(settings["base64Authz.txt"]).decode()
    assert login == f"gateway:{service['password']}", "without quotes around it"
    assert service["password"] != json.loads(made["metadata-dbcreds"])["password"]


def test_3_no_password_serves_two_purposes(made: dict[str, str]) -> None:
    logins = {json.loads(text)["password"] for name, text in made.items() if name.endswith("-dbcreds")}
    users = set(json.loads(made["indexd-service-creds"]).values())
    gateway = json.loads(made["ssjdispatcher-creds"])["JOBS"][0]["imageConfig"]["metadataService"]["password"]
    assert not logins & users
    assert gateway not in logins | users


def test_4_no_secret_is_in_what_git_or_a_template_gets(made: dict[str, str]) -> None:
    done = launch(answers(EVERYTHING))
    written = b"".join(done.files.values()).decode() + json.dumps(done.secrets.names)
    secrets = [json.loads(text)["password"] for name, text in made.items() if name.endswith("-dbcreds")]
    secrets += [*json.loads(made["indexd-service-creds"]).values(), *ASKED["fence-config"].values()]
    assert not [secret for secret in secrets if secret in written]


def test_5_a_service_that_is_off_has_no_secret_but_those_that_must_agree() -> None:
    plan = plan_secrets(bundles.select(["minimal"]).on)
    ahead = {secret.name for secret in plan.secrets if secret.group == INDEX}
    on = {"arborist", "fence", "indexd", "peregrine", "portal", "revproxy", "sheepdog"}
    owners = {
        secret.name: service.name
        for service in load()
        for secret in service.secrets
        if secret.external and not secret.owner
    }
    assert {owners[name] for name in plan.names if name not in ahead} <= on


def test_6_secrets_that_share_a_value_are_only_ever_put_together() -> None:
    plan = launch(answers(EVERYTHING)).secrets
    group = {secret.name for secret in plan.secrets if secret.group == INDEX}
    assert group == {"indexd-service-creds", "metadata-g3auto", "ssjdispatcher-creds", "sower-jobs-g3auto"}
    for name in group:
        assert set(plan.to_put([name])) == group
    assert plan.to_put(["fence-jwt-keys"]) == ("fence-jwt-keys",)
    assert plan.to_put([]) == ()


def test_6b_a_service_that_is_switched_on_later_needs_no_new_password() -> None:
    before = plan_secrets(bundles.select(["minimal"]).on)
    after = plan_secrets(bundles.select(["standard"]).on)
    new = set(after.names) - set(before.names)
    assert not set(after.to_put(new)) & set(before.names)


def test_7_a_secret_is_made_anew_by_putting_it_again() -> None:
    done = launch(answers(["standard"]))
    first = texts(secret_values(done, ["wts-g3auto"], random=counting_bytes(0)))
    second = texts(secret_values(done, ["wts-g3auto"], random=counting_bytes(1_000)))
    assert first.keys() == second.keys() == {"wts-g3auto"}
    assert first != second


def test_the_chart_registers_the_client_of_workspaces_itself() -> None:
    """Nothing registered it elsewhere: the secret was made, and fence had never heard of the client."""
    assert KEPT_BY_HELM["wts"] == {"wts.externalSecrets.createWtsOidcClientSecret": True}
    assert "wts-oidc-client" not in plan_secrets(bundles.select(["workspaces"]).on).names


# Asking


def test_what_only_a_person_has_is_asked_for_by_name() -> None:
    plan = launch(answers(["minimal"])).secrets
    assert [(secret.name, field.name) for secret, field in plan.asked] == [
        ("fence-config", "client-id"),
        ("fence-config", "client-secret"),
    ]
    known = launch(answers(["minimal"], signIn={"provider": "google", "clientId": "public-id"}))
    assert [field.name for _, field in known.secrets.asked] == ["client-secret"]
    assert documents.secrets_of(known.environment) == known.secrets
    values = texts(secret_values(known, ["fence-config"], asked={"fence-config": {"client-secret": "given"}}))
    assert yaml.safe_load(values["fence-config"])["OPENID_CONNECT"]["google"]["client_id"] == "public-id"


@pytest.mark.parametrize("value", ["", "two\nlines", " qwertz", "x" * 5_000, "nul\0"])
def test_what_is_not_given_or_not_one_line_is_refused_without_being_shown(value: str) -> None:
    asked = {"fence-config": {"client-id": "x", "client-secret": value}}
    with pytest.raises(RejectedError) as caught:
        secret_values(launch(answers(["minimal"])), ["fence-config"], asked=asked)
    assert "secret fence-config, client-secret" in str(caught.value)
    assert not value.strip() or value.strip() not in str(caught.value)


def test_a_value_does_not_show_itself() -> None:
    for value in secret_values(launch(answers(["standard"]))):
        assert value.text not in repr(value)


def test_names_of_secrets_in_values_are_not_taken_for_secrets() -> None:
    for secret in launch(answers(EVERYTHING)).secrets.secrets:
        full = names.secret("e1b2c3d4e5", secret.name)
        assert looks_secret(tuple(secret.override.split(".")), full) is None, secret.override


@given(st.lists(st.sampled_from([*bundles.BUNDLES, *bundles.OFFERED]), max_size=5))
def test_every_combination_has_values_in_the_shapes_of_the_catalogue(asked: list[str]) -> None:
    services = [name for name in asked if name != "mesh"] or ["minimal"]
    done = launch(answers(services))
    made = texts(secret_values(done))
    assert list(made) == sorted(done.secrets.names)
    for secret in done.secrets.secrets:
        if secret.shape == "object":
            assert set(json.loads(made[secret.name])) == set(secret.keys), secret.name
        elif secret.shape == "properties":
            assert set(secret.keys) <= set(json.loads(made[secret.name])), secret.name
        else:
            assert made[secret.name]
            assert len(secret.keys) == 1
