"""A certificate authority of the emulator, and the certificate of its endpoint."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Authority:
    """certificate: of the authority, as PEM; what clients trust. chain, key: of the endpoint, as PEM. own_key: of the
    authority, as PEM."""

    certificate: str
    chain: str
    key: str
    own_key: str

    def issue(self, hosts: tuple[str, ...], public: Any, begins: datetime, days: int) -> bytes:
        """A certificate for hosts, as PEM."""
        key = serialization.load_pem_private_key(self.own_key.encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - made below
        issuer = x509.load_pem_x509_certificate(self.certificate.encode()).subject
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
        made = _signed(subject, issuer, public, key, begins, hosts, days)
        return made.public_bytes(serialization.Encoding.PEM)


def new_authority(hosts: tuple[str, ...] = ("127.0.0.1", "::1", "localhost"), now: datetime | None = None) -> Authority:
    """An authority that nobody else has, and a certificate for the hosts."""
    begins = (now or datetime.now(UTC)) - timedelta(minutes=5)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "csoc emulator")])
    root = _signed(name, name, key.public_key(), key, begins, None)
    own = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "csoc emulator endpoint")])
    leaf = _signed(subject, name, own.public_key(), key, begins, hosts)
    pem = root.public_bytes(serialization.Encoding.PEM).decode()
    return Authority(pem, leaf.public_bytes(serialization.Encoding.PEM).decode() + pem, _text(own), _text(key))


def _text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    public: Any,
    key: ec.EllipticCurvePrivateKey,
    begins: datetime,
    hosts: tuple[str, ...] | None,
    days: int = _DAYS,
) -> x509.Certificate:
    """hosts: None for the authority itself."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=hosts is None, path_length=0 if hosts is None else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(_usage(authority=hosts is None), critical=True)
    )
    if hosts is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(host) for host in hosts]), critical=False)
    return builder.sign(key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def server_context(authority: Authority) -> ssl.SSLContext:
    """What a server on these certificates listens with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="csoc-") as folder:
        chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
        key.touch(mode=0o600)
        chain.write_text(authority.chain, encoding="utf-8")
        key.write_text(authority.key, encoding="utf-8")
        context.load_cert_chain(chain, key)
    return context
