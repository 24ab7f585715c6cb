"""Launches for tests: answers become files and a check sees what a run would commit."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from csoc.fleet.documents.infrastructure import SignIn
from csoc.gen3.launch import documents, outputs, roles, values
from csoc.gen3.launch.answers import Answers
from csoc.gen3.launch.bundles import Selection
from csoc.gen3.launch.secretvalues import SecretFacts, SecretValue, make_values
from csoc.provisioning import names

ACCOUNT, REGION = "111122223333", "ap-southeast-2"
DICTIONARY = "https://dictionary.example.org/heart/1.2.0/schema.json"
MEMBERS = {name: values.Member(name, name.title(), f"{name}.example.org") for name in ("lung", "liver")}
_UUID = "0f9f7a5e-6f1d-4f0c-9c4e-0c1d1f6f3a10"


def counting_ids(start: str = "u") -> Callable[[], str]:
    """Ids that are told apart and never the same."""
    numbers = itertools.count(1)
    return lambda: f"{start}{next(numbers):09d}"


def answers(services: Sequence[str] = ("standard",), **more: Any) -> Answers:
    """Answers for a commons called heart."""
    data = {"commons": "heart", "hostname": "heart.example.org", "dictionary": DICTIONARY, "services": list(services)}
    data["administrators"] = ["ada@example.org"]
    if "mesh" in services:
        data["members"] = list(MEMBERS)
    return Answers.model_validate_json(json.dumps({**data, **more}))


def launch(given: Answers, ids: Callable[[], str] | None = None, **around: Any) -> documents.Launch:
    """What the answers become."""
    told = {"account": "research", "region": REGION, "secret_name": names.secret, "members": MEMBERS, **around}
    return documents.launch(given, documents.Surroundings(**told), ids or counting_ids())


def outputs_of(selection: Selection, uid: str) -> Mapping[str, str]:
    """What the layers of such an environment put out."""
    on = selection.on
    accounts = [account.service_account for account in roles.accounts(on)]
    arns = {one: f"arn:aws:iam::{ACCOUNT}:role{names.role_path(uid)}{names.thing(uid, one)}" for one in accounts}
    buckets = {one.purpose: names.bucket(uid, one.purpose, ACCOUNT) for one in roles.buckets(on)}
    urls = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"
    queues = {one.purpose: urls + names.thing(uid, one.purpose) for one in roles.queues(on)}
    return {
        "DatabaseEndpoint": f"{names.thing(uid, 'database')}.cluster-abc.{REGION}.rds.amazonaws.com",
        "DatabasePort": "5432",
        "DatabaseSecretName": names.thing(uid, "database-master"),
        "SearchEndpoint": f"vpc-{names.thing(uid, 'search')}-abc.{REGION}.es.amazonaws.com",
        "CertificateArn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{_UUID}",
        "WebAclArn": f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/{names.thing(uid, 'edge')}/{_UUID}",
        "RoleArns": json.dumps(arns),
        "BucketNames": json.dumps(buckets),
        "QueueUrls": json.dumps(queues),
    }


PLACE = outputs.Place(ACCOUNT, REGION)


def outputs_file(made: documents.Launch) -> bytes:
    """90-outputs.yaml of a launch."""
    told = outputs_of(made.selection, made.environment.metadata.uid)
    return outputs.outputs_file(told, PLACE, made.selection)


ASKED = {"fence-config": {"client-id": "heart-client", "client-secret": "given-by-a-person"}}


def counting_bytes(start: int = 0) -> Callable[[int], bytes]:
    """Bytes that are never the same twice, told apart by where they start."""
    numbers = itertools.count(start)
    return lambda length: b"".join(
        hashlib.sha256(str(next(numbers)).encode()).digest() for _ in range(length // 32 + 1)
    )[:length]


def facts_of(made: documents.Launch) -> SecretFacts:
    """What values of secrets say besides secrets."""
    uid = made.environment.metadata.uid
    return SecretFacts(
        uid=uid,
        hostname=made.environment.spec.hostname,
        database_host=outputs_of(made.selection, uid)["DatabaseEndpoint"],
        sign_in=made.environment.spec.sign_in or SignIn(provider="google"),
        bucket=lambda purpose: names.bucket(uid, purpose, ACCOUNT),
        queue_url=lambda purpose: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{names.thing(uid, purpose)}",
    )


def secret_values(
    made: documents.Launch,
    wanted: Sequence[str] | None = None,
    asked: Mapping[str, Mapping[str, str]] = ASKED,
    random: Callable[[int], bytes] | None = None,
) -> tuple[SecretValue, ...]:
    """Values of all secrets of a launch, or of some."""
    named = made.secrets.names if wanted is None else wanted
    return make_values(made.secrets, named, facts_of(made), asked, random or counting_bytes(), lambda: "PEM\n")
