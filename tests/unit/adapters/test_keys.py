"""Keys that Gen3 signs with."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from csoc.adapters.keys import private_key


def test_a_key_is_new_each_time_and_of_the_kind_that_fence_reads() -> None:
    texts = [private_key(), private_key()]
    assert texts[0] != texts[1]
    assert texts[0].startswith("-----BEGIN PRIVATE KEY-----\n")
    key = serialization.load_pem_private_key(texts[0].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.key_size == 2048
