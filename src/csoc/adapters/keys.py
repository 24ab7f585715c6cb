"""Keys that csoc makes for others: in memory, and handed on at once."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048
_EXPONENT = 65_537


def private_key() -> str:
    """A new RSA key of 2048 bits as PEM (PKCS 8), which fence signs tokens with."""
    key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
