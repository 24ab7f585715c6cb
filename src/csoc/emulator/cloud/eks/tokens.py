"""The tokens with which people come to an EKS cluster: a signed question to STS, "who am I?", in base64.

Source: aws-iam-authenticator, pkg/token/token.go (which parameters and headers are taken, and that a token is good for
15 minutes whatever it says), and "Grant IAM users access to Kubernetes with EKS access entries", Amazon EKS User Guide.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from moto.core.request import Request

from csoc.emulator.cloud.calls import AwsError, Identity
from csoc.emulator.cloud.credentials import Credentials
from csoc.emulator.cloud.eks.config_map import AuthMap, canonical_arn
from csoc.emulator.cloud.eks.facts import access_policy_arn
from csoc.emulator.cloud.eks.records import ClusterRecord, ClusterUser
from csoc.emulator.cloud.signatures import signature_of, verify

_PREFIX = "k8s-aws-v1."
_HEADER = "x-k8s-aws-id"
_LARGEST = 8_192
_LASTS = timedelta(minutes=15)
_PARAMETERS = frozenset(
    {
        "action", "version", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires",
        "x-amz-security-token", "x-amz-signature", "x-amz-signedheaders", "x-amz-user-agent",
    }
)  # fmt: skip
_HOST = re.compile(r"sts(\.[a-z0-9-]+)?\.amazonaws\.com(:443)?|127\.0\.0\.1(:[0-9]+)?|localhost(:[0-9]+)?")


def identity_of(token: str, cluster: str, credentials: Credentials, now: datetime) -> Identity | None:
    """Whose token it is; None if it is not one, is too old, is for another cluster, or is signed wrongly."""
    if not token.startswith(_PREFIX) or len(token) > _LARGEST:
        return None
    packed = token.removeprefix(_PREFIX)
    try:
        address = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode("ascii")
        parts = urlsplit(address)
        asked = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    except (ValueError, binascii.Error):
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or parts.path not in ("", "/"):
        return None
    if {name.lower() for name in asked} - _PARAMETERS or any(len(values) > 1 for values in asked.values()):
        return None
    if asked.get("Action") != ["GetCallerIdentity"]:
        return None
    request = Request.from_primitives("GET", address, {"Host": parts.netloc, _HEADER: cluster}, b"")
    request.environ["RAW_URI"] = "/"
    try:
        claim = signature_of(request)
        if claim is None or claim.service != "sts" or _HEADER not in claim.names:
            return None
        identity, secret = credentials.look_up(claim, now)
        verify(request, replace(claim, lasts=_LASTS), secret, now)
    except AwsError:
        return None
    return identity


def user_of(identity: Identity, record: ClusterRecord, config_map: Callable[[], AuthMap]) -> ClusterUser | None:
    """The user that an identity is in a cluster; None if nothing lets it in. An access entry comes before the
    ConfigMap, and each counts in the authentication modes that name it."""
    session = identity.id.partition(":")[2]
    extra = {
        "arn": (identity.arn,), "canonicalarn": (canonical_arn(identity),), "sessionname": (session,),
        "principalid": (identity.id.partition(":")[0],),
    }  # fmt: skip
    uid = f"aws-iam-authenticator:{identity.account}:{identity.id.partition(':')[0]}"
    if record.mode == "CONFIG_MAP" and identity.principal == record.creator:
        return ClusterUser("kubernetes-admin", uid, ("system:masters",), extra)
    entry = record.entries.get(identity.principal) if record.mode != "CONFIG_MAP" else None
    if entry is None:
        mapped = config_map().of(identity) if record.mode != "API" else None
        if mapped is None:
            return None
        groups = tuple(_filled(one, identity, session) for one in mapped.groups)
        return ClusterUser(_filled(mapped.username, identity, session), uid, groups, extra)
    policies = tuple(
        (
            one["policyArn"].removeprefix(access_policy_arn("")),
            one["accessScope"]["type"],
            tuple(one["accessScope"].get("namespaces", ())),
        )
        for one in record.policies.get(identity.principal, ())
    )
    name = _filled(entry["username"], identity, session)
    return ClusterUser(name, uid, tuple(entry["kubernetesGroups"]), extra, policies)


def _filled(text: str, identity: Identity, session: str) -> str:
    """A name with its parameters. A session's name is put in without the @ that an address has, unless it is asked for
    as it is."""
    text = text.replace("{{SessionName}}", session.replace("@", "-")).replace("{{SessionNameRaw}}", session)
    return text.replace("{{AccountID}}", identity.account)
