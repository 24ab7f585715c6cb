"""Makes the keys that Gen3 signs with. Nothing is kept: whoever asked hands a key on and forgets it."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_BITS = 2048
_EXPONENT = 65537


def new_rsa_key() -> str:
    """A new RSA key of 2048 bits as PEM in the form of PKCS #1, as `openssl genrsa` and the chart make them."""
    key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
