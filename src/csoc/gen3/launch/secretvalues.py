"""Makes the values of secrets, in memory: whoever asked puts them into the account and forgets them.

Passwords are letters and digits, since the chart writes them into addresses without escaping. Randomness and the maker
of RSA keys are handed in. Nothing here prints, raises or keeps a value.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from csoc.errors import RejectedError
from csoc.fleet.documents.infrastructure import SignIn
from csoc.gen3.launch import valuefiles
from csoc.gen3.launch.secrets import MASTER_LOGIN, PlannedSecret, SecretPlan

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PASSWORD_LENGTH = 32
_KEY_BYTES = 32
_POSTGRES_PORT = "5432"
_INDEXD_USERS = ("fence", "sheepdog", "ssj", "gateway")
_METADATA_USER = "gateway"
_LONGEST_ASKED = 4_000

RandomBytes = Callable[[int], bytes]
"""That many random bytes, fit for keys."""

PrivateKey = Callable[[], str]
"""A new RSA key of 2048 bits as PEM."""


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """What values say besides secrets.

    uid: of the environment. bucket, queue_url: a bucket's name and a queue's address by purpose, both known before they
    exist.
    """

    uid: str
    hostname: str
    database_host: str
    sign_in: SignIn
    bucket: Callable[[str], str]
    queue_url: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class SecretValue:
    """The whole text of one secret. It does not show itself."""

    name: str
    text: str = field(repr=False)


def database_name(service: str, uid: str) -> str:
    """Database and user of a service: unique on a server that several commons share."""
    return f"{service.replace('-', '_')}_{uid}"


def make_values(
    plan: SecretPlan,
    names: Iterable[str],
    facts: SecretFacts,
    asked: Mapping[str, Mapping[str, str]],
    random: RandomBytes,
    private_key: PrivateKey,
) -> tuple[SecretValue, ...]:
    """Values of the named secrets and all others of their groups, in order of name.

    asked: by secret and field, what a person gave. Raises RejectedError: something was asked for and not given, or is
    no single line; it names the secret and the field.
    """
    wanted = plan.to_put(names)
    for name in wanted:
        _check_asked(plan.get(name), asked.get(name, {}))
    making = _Making(facts, asked, random, private_key)
    return tuple(SecretValue(name, making.text(plan.get(name))) for name in wanted)


def _check_asked(secret: PlannedSecret, given: Mapping[str, str]) -> None:
    for asked in secret.asked:
        value = given.get(asked.name, "")
        if not value:
            raise RejectedError(
                f"{asked.what[0].upper()}{asked.what[1:]} is not known",
                place=f"secret {secret.name}, {asked.name}",
                fix="Give it when csoc asks for it; it is kept in Secrets Manager only",
            )
        check_one_line(value, asked.name, f"secret {secret.name}, {asked.name}")


def check_one_line(value: str, name: str, place: str) -> None:
    """Raises RejectedError, without the value: it is nothing that a person was asked for."""
    if len(value) > _LONGEST_ASKED or not value.isprintable() or value != value.strip():
        raise RejectedError(
            f"What was given for {name} is not one line of text without blanks around it",
            place=place,
            fix="Give it again; a line break at the end of a file is the usual cause",
        )


class _Making:
    """Values of one occasion: what several secrets share is made once."""

    def __init__(
        self,
        facts: SecretFacts,
        asked: Mapping[str, Mapping[str, str]],
        random: RandomBytes,
        private_key: PrivateKey,
    ) -> None:
        self._facts = facts
        self._asked = asked
        self._random = random
        self._private_key = private_key
        self._shared: dict[str, str] = {}

    def text(self, secret: PlannedSecret) -> str:
        if secret.secret.endswith("-dbcreds"):
            return _json(self._database(secret.secret.removesuffix("-dbcreds")))
        return _MAKERS[secret.secret](self)

    def _password(self) -> str:
        """Each character equally likely: bytes that would favour some are thrown away."""
        found = ""
        limit = 256 - 256 % len(_ALPHABET)
        while len(found) < _PASSWORD_LENGTH:
            found += "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in self._random(64) if byte < limit)
        return found[:_PASSWORD_LENGTH]

    def _shared_password(self, name: str) -> str:
        if name not in self._shared:
            self._shared[name] = self._password()
        return self._shared[name]

    def _key(self) -> str:
        return base64.urlsafe_b64encode(self._random(_KEY_BYTES)).decode()

    def _database(self, service: str) -> dict[str, str]:
        name = database_name(service, self._facts.uid)
        return {
            "host": self._facts.database_host,
            "port": _POSTGRES_PORT,
            "username": name,
            "password": self._password(),
            "database": name,
            "dbcreated": "true",
        }

    def master_login(self) -> str:
        given = self._asked.get(MASTER_LOGIN, {})
        return _json(
            {
                "host": self._facts.database_host,
                "port": _POSTGRES_PORT,
                "username": given["username"],
                "password": given["password"],
            }
        )

    def fence_config(self) -> str:
        given = dict(self._asked.get("fence-config", {}))
        secret = {
            "BASE_URL": f"https://{self._facts.hostname}/user",
            "ENCRYPTION_KEY": self._key(),
            "OPENID_CONNECT": {
                self._facts.sign_in.provider: {
                    "client_id": self._facts.sign_in.client_id or given["client-id"],
                    "client_secret": given["client-secret"],
                }
            },
        }
        header = "Fence's settings that are secret, and those that its jobs cannot do without. The rest is in values."
        return valuefiles.render(secret, header=header).decode()

    def jwt_keys(self) -> str:
        return self._private_key()

    def indexd_users(self) -> str:
        return _json({user: self._shared_password(f"indexd {user}") for user in _INDEXD_USERS})

    def metadata(self) -> str:
        login = f"{_METADATA_USER}:{self._shared_password('metadata gateway')}"
        return _json(
            {
                "base64Authz.txt": base64.b64encode(login.encode()).decode(),
                # The pods get the database's login from metadata-dbcreds.
                "dbcreds.json": "{}",
                "metadata.env": f"DEBUG=false\nADMIN_LOGINS={login}\n",
            }
        )

    def ssjdispatcher(self) -> str:
        job = {
            "name": "indexing",
            "pattern": f"s3://{self._facts.bucket('uploads')}/*",
            "imageConfig": {
                "url": "http://indexd-service/index",
                "username": "ssj",
                "password": self._shared_password("indexd ssj"),
                "metadataService": {
                    "url": "http://revproxy-service/mds",
                    "username": _METADATA_USER,
                    "password": self._shared_password("metadata gateway"),
                },
            },
            "RequestCPU": "500m",
            "RequestMem": "0.5Gi",
            "ServiceAccount": "ssjdispatcher-job-sa",
        }
        return _json({"SQS": {"url": self._facts.queue_url("uploads")}, "JOBS": [job]})

    def sower_jobs(self) -> str:
        bucket = self._facts.bucket("exports")
        access = {"arborist_url": "http://arborist-service", "job_access_req": []}
        indexing = {"indexd_user": "gateway", "indexd_password": self._shared_password("indexd gateway")}
        jobs: dict[str, Any] = {"index-object-manifest": {"job_requires": access, "bucket": bucket, **indexing}}
        for name in ("download-indexd-manifest", "get-dbgap-metadata", "ingest-metadata-manifest"):
            jobs[name] = {"job_requires": access, "bucket": bucket}
        return _json(jobs)

    def pelican(self) -> str:
        return _json({"manifest_bucket_name": self._facts.bucket("exports"), "hostname": self._facts.hostname})

    def wts(self) -> str:
        credentials = {
            "wts_base_url": f"https://{self._facts.hostname}/wts/",
            "encryption_key": self._key(),
            "secret_key": self._key(),
            "fence_base_url": f"https://{self._facts.hostname}/user/",
            "external_oidc": [],
        }
        return _json({"appcreds.json": _json(credentials)})

    def requestor(self) -> str:
        return _json({"config.yaml": "DEBUG: false\nARBORIST_URL: http://arborist-service\n"})

    def user_data_library(self) -> str:
        login = f"{_METADATA_USER}:{self._password()}"
        return _json(
            {
                "base64Authz.txt": base64.b64encode(login.encode()).decode(),
                "dbcreds.json": "{}",
                "gen3-user-data-library.env": f"DEBUG=false\nADMIN_LOGINS={login}\n",
            }
        )

    def orthanc(self) -> str:
        """Images go to the database: the chart gives the pods no role with which they could reach a bucket. The pods'
        own environment has the login, which the server puts in here."""
        return _json(
            {
                "RemoteAccessAllowed": True,
                "AuthenticationEnabled": False,
                # The chart's probes sign in with this name and word, which are no secret.
                "RegisteredUsers": {"public": "hello"},
                "PostgreSQL": {
                    "EnableIndex": True,
                    "EnableStorage": True,
                    "Port": int(_POSTGRES_PORT),
                    "Host": "${PGHOST}",
                    "Database": "${PGDB}",
                    "Username": "${PGUSER}",
                    "Password": "${PGPASSWORD}",
                    "IndexConnectionsCount": 5,
                    "Lock": False,
                },
            }
        )


_MAKERS: Mapping[str, Callable[[_Making], str]] = MappingProxyType(
    {
        "fence-config": _Making.fence_config,
        "fence-jwt-keys": _Making.jwt_keys,
        "gen3userdatalibrary-g3auto": _Making.user_data_library,
        "indexd-service-creds": _Making.indexd_users,
        MASTER_LOGIN: _Making.master_login,
        "metadata-g3auto": _Making.metadata,
        "orthanc-s3-g3auto": _Making.orthanc,
        "pelicanservice-g3auto": _Making.pelican,
        "requestor-g3auto": _Making.requestor,
        "sower-jobs-g3auto": _Making.sower_jobs,
        "ssjdispatcher-creds": _Making.ssjdispatcher,
        "wts-g3auto": _Making.wts,
    }
)
"""By Kubernetes Secret; logins of databases are made alike for every service."""


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))
