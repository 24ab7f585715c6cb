"""The master login of a database that is there already: a secret that its makers have, or one that csoc asks for.

Jobs of the chart make each service's database and user with it. The chart has one name for the secret in Secrets
Manager and for the Secret in Kubernetes, so a secret serves only if Kubernetes can have its name, while most that other
tools make have slashes in theirs; and pods read secrets of csoc's names only, which the link's boundary sees to. So a
secret with such a name, csoc-..., is used, and for all others the layer `credentials` makes an empty secret, and a
person puts the login.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from csoc.gen3.launch.secrets import MASTER_LOGIN
from csoc.provisioning import names

_IN_BOTH_WORLDS = re.compile(r"(?=.{1,253}\Z)csoc-[a-z0-9-]*[a-z0-9](?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
# Secrets Manager adds a hyphen and six characters to each name.
_ARN = re.compile(r"arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:(?P<name>.+)-[A-Za-z0-9]{6}")


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where an environment's secrets are."""

    partition: str
    region: str
    account_id: str


def full_name(uid: str, name: str) -> str:
    """A secret of an environment as Secrets Manager calls it."""
    return names.thing(uid, name) if name == MASTER_LOGIN else names.secret(uid, name)


def is_asked(uid: str, outputs: Mapping[str, str]) -> bool:
    """Whether the master login is a secret that a person puts. outputs: of the layer database."""
    return outputs.get("DatabaseSecretName") == full_name(uid, MASTER_LOGIN)


def with_login(uid: str, outputs: Mapping[str, str], place: SecretPlace, *, may_ask: bool) -> dict[str, str]:
    """The outputs of an existing database with a master login that the chart can use: the one that they name, or the
    one that csoc asks for, where it may: that takes a layer `credentials` of csoc's."""
    arn = outputs.get("DatabaseSecretArn", "")
    found = _ARN.fullmatch(arn)
    name = outputs.get("DatabaseSecretName") or (found["name"] if found else "")
    if arn and _IN_BOTH_WORLDS.fullmatch(name):
        return {**outputs, "DatabaseSecretName": name}
    if not may_ask:
        return dict(outputs)
    name = full_name(uid, MASTER_LOGIN)
    arn = f"arn:{place.partition}:secretsmanager:{place.region}:{place.account_id}:secret:{name}-??????"
    own = {"DatabaseSecretName": name, "DatabaseSecretArn": arn}
    # Its key is that of the layer credentials, whatever key the database has.
    return {key: value for key, value in outputs.items() if key != "DatabaseKeyArn"} | own
