"""ACM: a certificate is issued when its records are in public hosted zones, and not because a minute passed, by an
authority that clients can trust; its options change.

Sources: AWS Certificate Manager User Guide, "DNS validation" (the record belongs to account and domain, a wildcard
shares that of its domain; after 72 hours without it the request times out), API Reference, DeleteCertificate
(ResourceInUseException), UpdateCertificateOptions. Keys are shared between certificates, since nobody gets at them and
making one takes a tenth of a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto.acm.models import CertBundle, acm_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction, Memory, UnderWay

_HOURS = 72
_DAYS = 395
_REQUEST = "request"
_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "EC_prime256v1": ec.SECP256R1,
    "EC_secp384r1": ec.SECP384R1,
    "EC_secp521r1": ec.SECP521R1,
}
_SIZES = {"RSA_1024": 1024, "RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_NEVER = datetime(9999, 1, 1)  # noqa: DTZ001 - moto compares with times without a zone
"""moto issues what is older than a minute; a certificate from the end of time never is."""


Issue = Callable[[tuple[str, ...], Any, datetime, int], bytes]
"""Makes a certificate: names, public key, begin, days. PEM."""


def acm(memory: Memory, under_way: UnderWay, issue: Issue | None = None, authority: str = "") -> Correction:
    """What is put right in ACM. issue: by an authority; without it each certificate is signed by its own key.
    authority: its certificate, as PEM."""

    def request(call: Call) -> Answer:
        given = call.parameters
        token = str(given.get("IdempotencyToken", ""))
        known = acm_backends[call.account][call.region]
        before = memory.kept(call, _REQUEST, token) if token else None
        if before is not None and before["arn"] in known._certificates and before["given"] == given:
            return {"CertificateArn": before["arn"]}
        bundle = _bundle(call, issue, authority)
        if given.get("Tags"):
            # A service tags with names that callers may not use.
            bundle.tags.update({tag["Key"]: tag.get("Value", "") for tag in given["Tags"]})
        bundle.created_at = _NEVER
        known._certificates[bundle.arn] = bundle
        if token:
            memory.keep(call, _REQUEST, token, {"arn": bundle.arn, "given": given})
        memory.keep(
            call,
            "certificate",
            bundle.arn,
            {"at": call.at.timestamp(), "method": given.get("ValidationMethod", "EMAIL")},
        )
        under_way.begin(call, "certificate", bundle.arn, "PENDING_VALIDATION", _HOURS * 3600)
        return {"CertificateArn": bundle.arn}

    def refresh(call: Call) -> None:
        for bundle in acm_backends[call.account][call.region]._certificates.values():
            if bundle.status != "PENDING_VALIDATION":
                continue
            method = (memory.kept(call, "certificate", bundle.arn) or {}).get("method")
            if method == "DNS" and all(_validated(call.account, name) for name in bundle.sans):
                bundle.status = "ISSUED"
            elif not under_way.status(call, "certificate", bundle.arn):
                bundle.status = "VALIDATION_TIMED_OUT"

    def described(call: Call, answer: dict[str, Any]) -> Answer:
        told = answer["Certificate"]
        told["InUseBy"] = sorted(set(_users(call, told["CertificateArn"])))
        kept = memory.kept(call, "certificate", told["CertificateArn"])
        if kept is not None:
            told.update(_told(call.account, told, kept))
        return answer

    return Correction(
        "acm",
        before={
            "DeleteCertificate": _unused,
            "DescribeCertificate": refresh,
            "GetCertificate": refresh,
            "ListCertificates": refresh,
            "RequestCertificate": request,
            "UpdateCertificateOptions": _set_options,
        },
        after={"DescribeCertificate": described},
    )


def is_issued(account: str, bundle: CertBundle) -> bool:
    """Whether a certificate can be served; one whose records are there is issued without being asked for."""
    if bundle.status == "PENDING_VALIDATION" and all(_validated(account, name) for name in bundle.sans):
        bundle.status = "ISSUED"
    return bool(bundle.status == "ISSUED")


def _told(account: str, told: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a description of a requested certificate has besides: times, and how far its validation is."""
    status = {"ISSUED": "SUCCESS", "VALIDATION_TIMED_OUT": "FAILED"}.get(told["Status"], told["Status"])
    options = [
        {
            "DomainName": name,
            "ValidationDomain": name,
            "ValidationStatus": "SUCCESS" if _validated(account, name) else status,
            "ValidationMethod": kept["method"],
            **({"ResourceRecord": _record(account, name)} if kept["method"] == "DNS" else {}),
        }
        for name in told["SubjectAlternativeNames"]
    ]
    made_at = datetime.fromtimestamp(kept["at"], UTC)
    issued = {"IssuedAt": made_at} if told["Status"] == "ISSUED" else {}
    return {"CreatedAt": made_at, "DomainValidationOptions": options, **issued}


def _set_options(call: Call) -> Answer:
    arn = call.parameters["CertificateArn"]
    bundle = acm_backends[call.account][call.region]._certificates.get(arn)
    if bundle is None:
        raise AwsError("ResourceNotFoundException", f"Could not find certificate {arn}.", 400)
    bundle.cert_options |= call.parameters["Options"]
    return {}


def _unused(call: Call) -> None:
    arn = call.parameters["CertificateArn"]
    if any(_users(call, arn)):
        raise AwsError("ResourceInUseException", f"Certificate {arn} in use.", 400)


def _users(call: Call, arn: str) -> Iterator[str]:
    """Load balancers that serve a certificate."""
    balancers: Any = elbv2_backends[call.account][call.region].load_balancers.values()
    for balancer in balancers:
        for listener in balancer.listeners.values():
            if arn in (listener.certificate, *listener.certificates):
                yield str(balancer.arn)


def _record(account: str, domain: str) -> dict[str, str]:
    """The record that proves that whoever asks from an account owns a domain."""
    name = domain.removeprefix("*.")
    digest = hashlib.sha256(f"{account} {name}".encode()).hexdigest()
    letters = "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:10])
    value = f"_{digest[32:]}.{letters}.acm-validations.aws."
    return {"Name": f"_{digest[:32]}.{name}.", "Type": "CNAME", "Value": value}


def _validated(account: str, domain: str) -> bool:
    wanted = _record(account, domain)
    zones: Any = route53_backends[account]["aws"].zones.values()
    for zone in zones:
        if zone.private_zone in (True, "true") or not wanted["Name"].endswith(f".{zone.name.rstrip('.')}."):
            continue
        for record in zone.rrsets:
            told = [one["Value"] if isinstance(one, Mapping) else one for one in record.records or ()]
            values = [value.rstrip(".") for value in told]
            if record.name.rstrip(".") == wanted["Name"].rstrip(".") and wanted["Value"].rstrip(".") in values:
                return True
    return False


@lru_cache(maxsize=len(_CURVES) + len(_SIZES))
def _key(algorithm: str) -> Any:
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm]())
    return rsa.generate_private_key(public_exponent=65537, key_size=_SIZES[algorithm])


def _bundle(call: Call, issue: Issue | None, authority: str) -> CertBundle:
    given = call.parameters
    domain, algorithm = given["DomainName"], given.get("KeyAlgorithm", "RSA_2048")
    if algorithm not in (*_CURVES, *_SIZES):
        raise AwsError("ValidationException", f"KeyAlgorithm {algorithm} is not supported", 400)
    names = list(dict.fromkeys([domain, *(given.get("SubjectAlternativeNames") or ())]))
    key = _key(algorithm)
    issuer = [(NameOID.COUNTRY_NAME, "US"), (NameOID.ORGANIZATION_NAME, "Amazon"), (NameOID.COMMON_NAME, "Amazon")]
    now = datetime.now(UTC)
    certificate = (
        issue(tuple(names), key.public_key(), now, _DAYS)
        if issue is not None
        else x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])]))
        .issuer_name(x509.Name([x509.NameAttribute(*part) for part in issuer]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return CertBundle(
        call.account,
        certificate,
        private,
        chain=authority.encode() or None,
        region=call.region,
        cert_type="AMAZON_ISSUED",
        cert_status="PENDING_VALIDATION",
        cert_authority_arn=given.get("CertificateAuthorityArn"),
        cert_options={
            "CertificateTransparencyLoggingPreference": "ENABLED",
            "Export": "DISABLED",
            **(given.get("Options") or {}),
        },
    )
