"""Sessions of boto3: csoc's own, and those that it takes in linked accounts. Every client of AWS comes from here.

Clients retry what is worth it, wait a bounded time, and leave credentials of other processes alone.
"""

from __future__ import annotations

import functools
import re
import threading
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from csoc.accounts.cloud import SessionRequest
from csoc.adapters.aws.failures import from_stranger, translated
from csoc.errors import DeniedError

LONGEST_SECONDS = 3_600
_CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    user_agent_appid="csoc",
    s3={"addressing_style": "path"},
)
_HOME = "us-east-1"
_OWN_STS = re.compile(
    r"https://sts(-fips)?(\.[a-z0-9-]+)?\.(amazonaws\.com(\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)/?"
)
# Neither variables nor profiles say where an identity is asked for, and none brings an authority of its own.
_PROVING = _CONFIG.merge(Config(ignore_configured_endpoint_urls=True))


class BotoSession:
    """Clients of one identity. Threads may share it."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    @property
    def boto(self) -> boto3.Session:
        """The session itself."""
        return self._session

    @property
    def region(self) -> str:
        """The region that is set, or the one where AWS began."""
        return self._session.region_name or _HOME

    def client(self, service: str, region: str = "") -> Any:
        """A client of a service in a region ("": the one that is set). Making one takes long, so they are kept."""
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                with translated(f"AWS {service}"):
                    self._clients[key] = self._session.client(service, region_name=key[1], config=_CONFIG)
            return self._clients[key]

    @property
    def endpoint(self) -> str:
        """Which STS is asked: "" for AWS's own, else its address."""
        return _sts_of(self.client("sts"))

    def proving(self, service: str, endpoint: str) -> Any:
        """A client that asks where csoc says ("": AWS itself). Raises DeniedError where that is not to be had."""
        asked: dict[str, Any] = {"region_name": self.region, "config": _PROVING, "verify": True}
        with translated(f"AWS {service}"):
            found = self._session.client(service, endpoint_url=endpoint or None, **asked)
        if service == "sts" and _sts_of(found) != endpoint:
            raise DeniedError(f"The STS of this machine is {_sts_of(found)}", fix="Take its models of AWS away")
        return found


def _sts_of(client: Any) -> str:
    url = str(client.meta.endpoint_url)
    return "" if _OWN_STS.fullmatch(url) else url.rstrip("/")


def own_session(profile: str = "") -> BotoSession:
    """csoc's own identity, as the environment gives it, or that of a profile. Raises NotFoundError if there is no such
    profile."""
    with translated(f"AWS profile {profile}" if profile else "AWS credentials"):
        return BotoSession(boto3.Session(botocore_session=_core(profile)))


@functools.cache
def _models() -> Loader:
    """What botocore knows of services: megabytes of JSON, which sessions would read each for itself."""
    return Loader(extra_search_paths=[str(Path(boto3.__file__).parent / "data")])


def _core(profile: str = "") -> botocore.session.Session:
    made = botocore.session.Session(profile=profile or None)
    made.register_component("data_loader", _models())
    return made


def taken(own: BotoSession, request: SessionRequest, region: str) -> BotoSession:
    """A session in another role. Raises DeniedError, UnavailableError, RejectedError."""
    asked: dict[str, Any] = {
        "RoleArn": request.role_arn,
        "RoleSessionName": request.name,
        "DurationSeconds": min(request.seconds, LONGEST_SECONDS),
        "ExternalId": request.external_id,
        "Policy": request.policy,
        "SourceIdentity": request.source_identity,
        "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
    }
    with translated(request.role_arn):
        given = own.client("sts", region).assume_role(**{key: value for key, value in asked.items() if value})
    key = given.get("Credentials") or {}
    if not all(key.get(one) for one in ("AccessKeyId", "SecretAccessKey", "SessionToken")):
        raise from_stranger(request.role_arn)
    return BotoSession(
        boto3.Session(
            botocore_session=_core(),
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key["SessionToken"],
            region_name=region,
        )
    )
