"""Tokens of service accounts: JWTs that the cluster signs, and the documents by which others check them (IRSA).

Source: Kubernetes, pkg/serviceaccount/claims.go, jwt.go and openidmetadata.go.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from csoc.emulator.kubernetes import moments
from csoc.emulator.kubernetes.store import Key, Store
from csoc.emulator.kubernetes.users import User, service_account

Object = dict[str, Any]
_POD = "authentication.kubernetes.io/pod-name"
_POD_UID = "authentication.kubernetes.io/pod-uid"
_CREDENTIAL = "authentication.kubernetes.io/credential-id"


class Signer:
    """The key of one cluster; made when it is first needed."""

    __slots__ = ("_key", "_lock", "issuer")

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key: rsa.RSAPrivateKey | None = None
        self._lock = threading.Lock()

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences that the API server takes tokens for."""
        return (self.issuer, "https://kubernetes.default.svc")

    def token(
        self, account: Object, audiences: Sequence[str], seconds: int, now: datetime, pod: Object | None = None
    ) -> tuple[str, datetime]:
        """A token for a service account, with its end. pod: what it is bound to."""
        metadata = account["metadata"]
        ends = moments.moved(now, seconds)
        private: Object = {
            "namespace": metadata["namespace"],
            "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
        }
        if pod is not None:
            private["pod"] = {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        claims = {
            "aud": list(audiences or self.audiences[:1]),
            "exp": int(ends.timestamp()),
            "iat": int(now.timestamp()),
            "nbf": int(now.timestamp()),
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": private,
            "sub": f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}",
        }
        text = jwt.encode(claims, self._private(), algorithm="RS256", headers={"kid": self._key_id()})
        return text, ends

    def claims(self, token: str, now: datetime, audiences: Sequence[str] = ()) -> Object | None:
        """What a token of this cluster says; None if it is not one, is over, or is for others."""
        if self._key is None:
            return None  # a key that nobody asked for has signed nothing
        try:
            found: Object = jwt.decode(
                token,
                self._private().public_key(),
                algorithms=["RS256"],
                audience=list(audiences or self.audiences),
                issuer=self.issuer,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, RecursionError, UnicodeEncodeError):
            return None
        moment = now.timestamp()
        if not found.get("nbf", 0) - 60 <= moment < found.get("exp", 0):
            return None
        return found

    def key_set(self) -> Object:
        """The answer to /openid/v1/jwks."""
        numbers = self._private().public_key().public_numbers()
        row = {
            "use": "sig",
            "kty": "RSA",
            "kid": self._key_id(),
            "alg": "RS256",
            "n": _number(numbers.n),
            "e": _number(numbers.e),
        }
        return {"keys": [row]}

    def configuration(self) -> Object:
        """The answer to /.well-known/openid-configuration."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @property
    def key(self) -> rsa.RSAPrivateKey | None:
        """The key, to be kept over a restart; None while nobody needed it."""
        return self._key

    def take(self, key: rsa.RSAPrivateKey | None) -> None:
        """From here on signs with a key that was kept."""
        with self._lock:
            self._key = key

    def _private(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._key is None:
                self._key = rsa.generate_private_key(65537, 2048)
            return self._key

    def _key_id(self) -> str:
        public = (
            self._private()
            .public_key()
            .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return base64.urlsafe_b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def _number(value: int) -> str:
    raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def user_of(store: Store, claims: Object) -> User | None:
    """Whom a token's claims stand for; None once the account or the pod is another one or gone."""
    private = claims.get("kubernetes.io") or {}
    namespace, account = private.get("namespace", ""), private.get("serviceaccount") or {}
    found = store.get(Key("", "serviceaccounts", namespace, account.get("name", "")))
    if found is None or found["metadata"]["uid"] != account.get("uid"):
        return None
    extra = {_CREDENTIAL: (f"JTI={claims.get('jti', '')}",)}
    pod = private.get("pod")
    if pod:
        running = store.get(Key("", "pods", namespace, pod.get("name", "")))
        if running is None or running["metadata"]["uid"] != pod.get("uid"):
            return None
        extra |= {_POD: (pod["name"],), _POD_UID: (pod["uid"],)}
    return service_account(namespace, account["name"], account["uid"], extra)
