"""Which keys hold a secret, and which only name one.

Gen3 values are full of keys that sound secret and are not: `externalSecrets.dbcreds` holds the name of an entry in
Secrets Manager, `secretKey` the name of a property, `httpTokens` a switch. Hiding those would blind the reader of a
finding; showing a password would be worse. So a key gets one of three suspicions, and the value decides the rest.
"""

from __future__ import annotations

import functools
import re
from enum import IntEnum

Steps = tuple[str | int, ...]


class Suspicion(IntEnum):
    """How sure a key makes us that its value is a secret."""

    NONE = 0
    RELATED = 1  # speaks of secrets somewhere: only long random text counts
    WEAK = 2  # holds names or secrets alike: whatever looks random counts
    MEDIUM = 3  # whatever is not a name, a path or a reference counts
    STRONG = 4  # whatever is not a placeholder or a reference counts


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_KEY_NAME = re.compile(r"[a-z]+([_.-][a-z0-9]{1,12})+|[A-Z]+(_[A-Z0-9]{1,12})+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# A key is judged by its last word, since the ones before say whose it is: `passwordPolicy` is a policy.
_PASSWORDS = frozenset(
    {"password", "passwd", "pwd", "passphrase", "passcode", "pass", "passwords", "userdb", "userpass"}
)
_KEY_OWNERS = _set(
    "encryption encpryption decrypt decryption secret private api app access signing sign hmac fernet master shared "
    "account license licence session cookie ssh gh github deploy jwt csrf storage admin subscription aes rsa ecdsa "
    "security crypto cipher auth"
)
_STRONG_KEY_OWNERS = _set("encryption encpryption decrypt decryption private hmac fernet aes")
_STRONG_SECRET_OWNERS = _set("client shared app consumer hmac jwt cookie session webhook api signing csrf")
_NAMED_SECRETS = _set("external existing pull image tls local target k8s kubernetes create use name")
_WEAK_ENDS = _set(
    "cred creds credential credentials webhook webhooks dsn salt pepper tokens secrets keys apikeys keyfile hook "
    "authorization auth jwt"
)
_RELATED = _set(
    "secret secrets key keys token tokens password passwords cred creds credential credentials auth private jwt salt "
    "hmac signing webhook dsn apikey authorization"
)
_HARMLESS = _set(
    "public pub digest sha sha256 checksum fingerprint thumbprint commit revision tag image arn url uri host hostname "
    "path file dir folder prefix suffix name names id ids field fields type kind alg algorithm namespace region ref "
    "label title text description tooltip icon logo email user username index bucket endpoint domain issuer"
)
# Spelled in one word, as charts and people do.
_JOINED = (
    ("password", Suspicion.STRONG),
    ("passphrase", Suspicion.STRONG),
    ("clientsecret", Suspicion.STRONG),
    ("secretkey", Suspicion.MEDIUM),
    ("secretaccesskey", Suspicion.MEDIUM),
    ("privatekey", Suspicion.STRONG),
    ("encryptionkey", Suspicion.STRONG),
    ("signingkey", Suspicion.MEDIUM),
    ("apikey", Suspicion.MEDIUM),
    ("accesskey", Suspicion.MEDIUM),
    ("accesstoken", Suspicion.MEDIUM),
    ("authtoken", Suspicion.MEDIUM),
    ("connectionstring", Suspicion.WEAK),
)
# Below these keys stand names and references, by Kubernetes', External Secrets' and the Gen3 chart's own rules.
_NAME_BLOCKS = _set(
    "externalsecrets externalsecret secretkeyref secretref remoteref secretstoreref configmapkeyref configmapref "
    "imagepullsecrets existingsecret uselocalsecret secretstoreserviceaccount csi awscredssecret"
)
_SECRET_BLOCKS = frozenset({"passwords", "userdb", "userpass"})


def words(key: str) -> tuple[str, ...]:
    """ "awsSecretAccessKey", "AWS_SECRET_ACCESS_KEY" and "aws-secret-access-key" as ("aws", "secret", ...)."""
    return tuple(word.lower() for word in _WORDS.findall(key[:200]))


def suspicion(path: Steps) -> Suspicion:
    """The suspicion that the keys of a path raise."""
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return Suspicion.NONE
    return _suspicion(tuple(names[-4:]))


def names_a_key(text: str) -> bool:
    """Whether a text is itself spelled like the key of a secret, as `key: aws_secret_access_key` is."""
    return key_suspicion(text) >= Suspicion.MEDIUM and _KEY_NAME.fullmatch(text) is not None


@functools.lru_cache(maxsize=4096)
def key_suspicion(key: str) -> Suspicion:
    """The suspicion that one key raises, wherever it stands."""
    parts = words(key)
    if not parts or "public" in parts:
        return Suspicion.NONE
    last, before = parts[-1], frozenset(parts[:-1])
    found = _by_last_word(last, parts[-2] if len(parts) > 1 else "", before)
    if found is Suspicion.NONE:
        joined = "".join(parts)
        found = next((level for end, level in _JOINED if joined.endswith(end)), Suspicion.NONE)
    if found is Suspicion.NONE and _RELATED.intersection(parts) and not _HARMLESS.intersection(parts):
        found = Suspicion.RELATED
    return found


@functools.lru_cache(maxsize=4096)
def _suspicion(names: tuple[str, ...]) -> Suspicion:
    own = key_suspicion(names[-1])
    above = ["".join(words(name)) for name in names[:-1]]
    if _NAME_BLOCKS.intersection(above):
        return min(own, Suspicion.RELATED)
    if names[-1].lower() in ("key", "keys") and above and above[-1] in ("tls", "ssl", "cert", "certificate"):
        return Suspicion.MEDIUM
    last = words(names[-1])[-1:]
    if own < Suspicion.MEDIUM and _SECRET_BLOCKS.intersection(above):
        return Suspicion.STRONG
    if own < Suspicion.WEAK and above and above[-1] in ("secrets", "stringdata") and not _HARMLESS.intersection(last):
        return Suspicion.WEAK
    return own


def _by_last_word(last: str, previous: str, before: frozenset[str]) -> Suspicion:
    if last in _PASSWORDS:
        return Suspicion.NONE if last == "pass" and not before else Suspicion.STRONG
    if last == "secret":
        if previous in _STRONG_SECRET_OWNERS:
            return Suspicion.STRONG
        return Suspicion.RELATED if before & _NAMED_SECRETS else Suspicion.MEDIUM
    if last in ("token", "logins"):
        return Suspicion.MEDIUM
    if last == "key":
        return _by_key_owner(previous)
    if last in _WEAK_ENDS:
        return Suspicion.WEAK
    return Suspicion.NONE


def _by_key_owner(previous: str) -> Suspicion:
    if previous not in _KEY_OWNERS:
        return Suspicion.NONE
    return Suspicion.STRONG if previous in _STRONG_KEY_OWNERS else Suspicion.MEDIUM
