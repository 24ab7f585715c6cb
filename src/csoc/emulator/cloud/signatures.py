"""Signature Version 4: who signed a request, and whether the signature is right.

A wrong secret must fail here as it would at AWS, so the signature is computed again from the request as it arrived.
Source: "Create a signed AWS API request", AWS IAM User Guide.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote

from moto.core.request import Request

from csoc.emulator.cloud.calls import AwsError

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*SignedHeaders=(?P<headers>[^,\s]+),\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})\s*"
)
_DATE = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=15)
_LONGEST_SECONDS = 7 * 24 * 3600
_UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request claims. token: the session token, "" without. lasts: None for a signed header, which is good for
    15 minutes; else how long a presigned address is good. names: the signed headers, lower case."""

    access_key: str
    region: str
    service: str
    at: datetime
    names: frozenset[str]
    signature: str
    token: str
    lasts: timedelta | None = None


def signature_of(request: Request) -> Signature | None:
    """The claim in the Authorization header or the query; None if the request is not signed.
    Raises AwsError IncompleteSignature."""
    header = request.headers.get("Authorization", "")
    if header.startswith("AWS4-"):
        return _from_header(header, request)
    if header:
        raise AwsError("IncompleteSignature", "Authorization header requires AWS4-HMAC-SHA256 with a credential", 403)
    if "X-Amz-Signature" in request.args:
        return _from_query(request)
    if "AWSAccessKeyId" in request.args:
        # Presigned addresses of Signature Version 2, which boto3 makes for S3 unless it is told "s3v4".
        raise AwsError(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            400,
        )
    return None


def verify(request: Request, claim: Signature, secret: str, now: datetime) -> None:
    """Raises AwsError SignatureDoesNotMatch, RequestExpired or AccessDenied (a presigned address that is too old)."""
    if "host" not in claim.names:
        raise AwsError("SignatureDoesNotMatch", "'Host' must be a 'SignedHeader' in the AWS Authorization.", 403)
    if claim.lasts is None:
        if abs(now - claim.at) > _TOLERANCE:
            raise AwsError("SignatureDoesNotMatch", f"Signature expired or not yet current: {claim.at:{_DATE}}", 403)
    elif not claim.at - _TOLERANCE <= now <= claim.at + claim.lasts:
        raise AwsError("AccessDenied", "Request has expired", 403)
    if not hmac.compare_digest(_computed(request, claim, secret), claim.signature):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
            403,
        )


def _from_header(header: str, request: Request) -> Signature:
    match = _HEADER.fullmatch(header)
    if match is None:
        raise AwsError("IncompleteSignature", "Authorization header requires Credential, SignedHeaders, Signature", 403)
    access_key, region, service = _scope(match["credential"])
    return Signature(
        access_key,
        region,
        service,
        _time(request.headers.get("X-Amz-Date", "")),
        frozenset(match["headers"].lower().split(";")),
        match["signature"],
        request.headers.get("X-Amz-Security-Token", ""),
    )


def _from_query(request: Request) -> Signature:
    query = request.args
    access_key, region, service = _scope(query.get("X-Amz-Credential", ""))
    lasts = query.get("X-Amz-Expires", "")
    if not lasts.isdecimal() or not 0 < int(lasts) <= _LONGEST_SECONDS:
        raise AwsError(
            "AuthorizationQueryParametersError", "X-Amz-Expires must be a number of seconds up to a week", 400
        )
    return Signature(
        access_key,
        region,
        service,
        _time(query.get("X-Amz-Date", "")),
        frozenset(query.get("X-Amz-SignedHeaders", "").lower().split(";")),
        query.get("X-Amz-Signature", ""),
        query.get("X-Amz-Security-Token", ""),
        timedelta(seconds=int(lasts)),
    )


def _scope(credential: str) -> tuple[str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise AwsError("IncompleteSignature", "Credential must have exactly 5 slash-delimited elements", 403)
    return parts[0], parts[2], parts[3]


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _DATE).replace(tzinfo=UTC)
    except ValueError:
        raise AwsError("IncompleteSignature", "Date must be in ISO-8601 'basic format'", 403) from None


def _computed(request: Request, claim: Signature, secret: str) -> str:
    scope = f"{claim.at:%Y%m%d}/{claim.region}/{claim.service}/aws4_request"
    canonical = hashlib.sha256(_canonical(request, claim).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    text = f"AWS4-HMAC-SHA256\n{claim.at.strftime(_DATE)}\n{scope}\n{canonical}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _canonical(request: Request, claim: Signature) -> str:
    """The canonical request: method, path, query, signed headers, their names, digest of the body."""
    # S3 signs the path as it is sent; all others encode it once more.
    path = request.raw_path if claim.service == "s3" else quote(_normal(request.raw_path), safe="/-_.~")
    pairs = parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True)
    query = sorted((_quoted(name), _quoted(value)) for name, value in pairs if name != "X-Amz-Signature")
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in sorted(claim.names)]
    return "\n".join(
        (
            request.method,
            path,
            "&".join(f"{name}={value}" for name, value in query),
            "".join(headers),
            ";".join(sorted(claim.names)),
            _payload(request, claim),
        )
    )


def _payload(request: Request, claim: Signature) -> str:
    stated = request.headers.get("X-Amz-Content-SHA256", "")
    if claim.lasts is not None and claim.service == "s3" and not stated:
        return _UNSIGNED
    if stated == _UNSIGNED or stated.startswith("STREAMING-"):
        return stated
    digest = hashlib.sha256(request.get_data()).hexdigest()
    if stated and stated != digest:
        raise AwsError("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match", 400)
    return digest


def _normal(path: str) -> str:
    """Without empty, "." and ".." segments; a slash at the end stays."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
