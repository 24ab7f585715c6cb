"""The testbed's OpenID provider hands out real tokens: what fails here is the testbed, not csoc."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from testbed.servers import keycloak as keycloak_server
from testbed.servers.keycloak import Keycloak, Person, Realm

pytestmark = pytest.mark.keycloak

REDIRECT = "http://127.0.0.1/callback"


def claims(realm: Realm, token: str, audience: str | None = None) -> dict[str, Any]:
    """What a token says, its signature checked with the realm's published keys."""
    with httpx.Client(trust_env=False) as client:
        keys = jwt.PyJWKSet.from_dict(client.get(realm.discovery()["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        audience=audience,
        issuer=realm.issuer,
        options={"verify_aud": audience is not None},
    )


def ask(realm: Realm, **form: str) -> httpx.Response:
    """A request for tokens, as the realm's client."""
    known = {"client_id": realm.client_id, "client_secret": realm.client_secret}
    return httpx.post(realm.discovery()["token_endpoint"], data=known | form, trust_env=False, timeout=30)


def authorize(realm: Realm, person: Person, password: str, challenge: str, state: str) -> httpx.Response:
    """Signs in at the provider's own page, as a browser would; the answer to the form."""
    query = {
        "client_id": realm.client_id,
        "response_type": "code",
        "scope": "openid email",
        "redirect_uri": REDIRECT,
        "state": state,
        "nonce": "n-" + state,
    }
    if challenge:
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    with keycloak_server.browser() as browser:
        page = browser.get(realm.discovery()["authorization_endpoint"], params=query)
        return page if page.is_redirect else keycloak_server.fill_in(browser, page, person.name, password)


def pkce() -> tuple[str, str]:
    """A verifier and its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_the_code_flow_with_pkce_ends_in_tokens_with_the_persons_groups(realm: Realm) -> None:
    person = realm.create_user("alice", groups=["operators", "readers"])
    verifier, challenge = pkce()

    back = authorize(realm, person, person.password, challenge, "known")
    location = urlsplit(back.headers["location"])
    answer = parse_qs(location.query)
    assert back.status_code == 302
    assert location._replace(query="").geturl() == REDIRECT
    assert answer["state"] == ["known"]
    code = {"grant_type": "authorization_code", "code": answer["code"][0], "redirect_uri": REDIRECT}
    tokens = ask(realm, **code, code_verifier=verifier).json()

    said = claims(realm, tokens["id_token"], audience=realm.client_id)
    assert said["sub"] == person.subject
    assert said["email"] == person.email
    assert said["nonce"] == "n-known"
    assert sorted(said["groups"]) == ["operators", "readers"]


def test_a_code_is_worthless_without_its_verifier(realm: Realm) -> None:
    person = realm.create_user()
    back = authorize(realm, person, person.password, pkce()[1], "known")
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]

    refused = ask(realm, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, code_verifier=pkce()[0])

    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"


def test_a_request_without_pkce_is_refused(realm: Realm) -> None:
    person = realm.create_user()
    back = authorize(realm, person, person.password, "", "known")
    assert parse_qs(urlsplit(back.headers["location"]).query)["error"] == ["invalid_request"]


def test_a_wrong_password_does_not_sign_in(realm: Realm) -> None:
    person = realm.create_user()
    page = authorize(realm, person, "wrong", pkce()[1], "known")
    assert page.status_code == 200
    assert "Invalid username or password" in page.text


def test_the_password_grant_gives_an_access_token_with_groups(realm: Realm) -> None:
    person = realm.create_user(groups=["operators"])
    tokens = ask(realm, grant_type="password", username=person.name, password=person.password, scope="openid").json()
    said = claims(realm, tokens["access_token"])
    assert said["groups"] == ["operators"]
    assert said["azp"] == realm.client_id


def test_another_realms_people_and_client_are_unknown(keycloak: Keycloak, realm: Realm) -> None:
    person = realm.create_user()
    with keycloak.realm() as other:
        form = {"grant_type": "password", "username": person.name, "password": person.password}
        assert ask(other, **form).json()["error"] == "invalid_grant"
        assert ask(other, **form, client_secret=realm.client_secret).json()["error"] == "unauthorized_client"


def test_a_realm_is_gone_after_its_test(keycloak: Keycloak) -> None:
    with keycloak.realm() as other:
        assert other.discovery()["issuer"] == other.issuer
    assert httpx.get(f"{other.issuer}/.well-known/openid-configuration", trust_env=False).status_code == 404
