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


def words_of(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_KEY_NAME = re.compile(r"[a-z]+([_.-][a-z0-9]{1,12})+|[A-Z]+(_[A-Z0-9]{1,12})+")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# A key is judged by its last word, since the ones before say whose it is: `passwordPolicy` is a policy.
_PASSWORDS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "pswd",
        "passwrd",
        "passphrase",
        "passcode",
        "pass",
        "passwords",
        "userdb",
        "userpass",
    }
)
_PASSWORDS_ANYWHERE = frozenset({"password", "passwd", "pwd", "passphrase", "passcode"})
_KEY_OWNERS = words_of(
    "encryption encpryption decrypt decryption secret private api app access signing sign hmac fernet master shared "
    "account license licence session cookie ssh gh github deploy jwt csrf storage admin subscription aes rsa ecdsa "
    "security crypto cipher auth"
)
_STRONG_KEY_OWNERS = words_of("encryption encpryption decrypt decryption private hmac fernet aes")
_STRONG_SECRET_OWNERS = words_of("client shared app consumer hmac jwt cookie session webhook api signing csrf")
_NAMED_SECRETS = words_of("external existing pull image tls local target k8s kubernetes create use name")
_ENDS_BY_OWNER = {
    "pat": words_of("github gh gitlab gl git ado azure bitbucket"),
    "seed": words_of("otp totp mfa"),
}
_WEAK_ENDS = words_of(
    "cred creds credential credentials webhook webhooks dsn salt pepper tokens secrets keys apikeys keyfile hook "
    "authorization auth jwt"
)
_RELATED = words_of(
    "secret secrets key keys token tokens password passwords cred creds credential credentials auth private jwt salt "
    "hmac signing webhook dsn apikey authorization"
)
_HARMLESS = words_of(
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
    ("privatekeyid", Suspicion.MEDIUM),
    ("encryptionkey", Suspicion.STRONG),
    ("signingkey", Suspicion.MEDIUM),
    ("apikey", Suspicion.MEDIUM),
    ("accesskey", Suspicion.MEDIUM),
    ("accesstoken", Suspicion.MEDIUM),
    ("authtoken", Suspicion.MEDIUM),
    ("connectionstring", Suspicion.WEAK),
)
# What only tells one secret from another of its kind: `password2`, `DB_PASSWORD_REPLICA`, `client_secret_v2`.
_VARIANTS = words_of(
    "v old new prev previous current next legacy backup bak copy orig original replica primary secondary first second "
    "ro rw readonly prod production prd staging stage stg dev qa test testing demo local default value values val raw "
    "plain plaintext cleartext base b64 encoded enc string str data content main alt temp tmp override "
    "fence indexd sheepdog peregrine arborist wts audit metadata mds requestor gearbox hatchery sower guppy "
    "manifestservice ssjdispatcher argo superset cohort dicom orthanc postgres postgresql mysql db database rds aurora"
)
# What is told about a password by words behind it, so that it is none itself; other words say whose it is.
_ABOUT_PASSWORDS = words_of(
    "policy policies length len expiry expiration expires expire age days hours minutes seconds ttl lifetime duration "
    "timeout reset resets change changed changes recovery forgot forgotten update updated min max minimum maximum "
    "required require requires requirements rotation rotate rotated rotator enabled enable disabled disable allowed "
    "allow prompt complexity strength rule rules regex pattern history attempts retries retry limit limits count "
    "manager management store stores provider providers generator generate generated protected protection auth "
    "authentication login page form hint help message less encoder encoding encryption hashing hasher grant "
    "flow format version source location property env var variable vars key keys secret secrets ref refs reference "
    "from mount volume validator validators validation strategy mode use using visible show hide set config "
    "configuration settings setting options option status state template subject based only check checks input"
)
_WHOLE_WORDS_WITH_PASS = words_of("bypass compass encompass overpass surpass trespass underpass webpass pass")
# Below these keys stand names and references, by Kubernetes', External Secrets' and the Gen3 chart's own rules.
_NAME_BLOCKS = words_of(
    "externalsecrets externalsecret secretkeyref secretref remoteref secretstoreref configmapkeyref configmapref "
    "imagepullsecrets existingsecret uselocalsecret secretstoreserviceaccount csi awscredssecret"
)
_SECRET_BLOCKS = frozenset({"passwords", "userdb", "userpass"})
# Below a key that holds a secret, these hold what the key does; others may say how it is made or where it is.
_CONTENT = words_of(
    "value values val data content current old new previous next default raw plain primary secondary active"
)
_NOT_CONTENT = words_of(
    "valuefrom from existing external create generate generated enabled length size keep mount mounts volume "
    "annotations labels metadata policy provider expiration expiry ttl source"
)


def words(key: str) -> tuple[str, ...]:
    """ "awsSecretAccessKey", "AWS_SECRET_ACCESS_KEY" and "aws-secret-access-key" as ("aws", "secret", ...)."""
    return tuple(word.lower() for word in _WORDS.findall(key[-200:]))  # the end decides


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
    found = _by_ending(parts)
    if found is Suspicion.NONE:
        core = _without_variants(parts)
        found = max(_by_ending(core) if core != parts else Suspicion.NONE, _by_password_inside(parts))
    if found is Suspicion.NONE and _RELATED.intersection(parts) and not _HARMLESS.intersection(parts):
        found = Suspicion.RELATED
    return found


def _by_ending(parts: tuple[str, ...]) -> Suspicion:
    if not parts:
        return Suspicion.NONE
    last, before = parts[-1], frozenset(parts[:-1])
    found = _by_last_word(last, parts[-2] if len(parts) > 1 else "", before)
    if found is Suspicion.NONE:
        joined = "".join(parts)
        found = next((level for end, level in _JOINED if joined.endswith(end)), Suspicion.NONE)
    return found


def _without_variants(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The words before those at the end that only number, date or place a secret. () if all of them do."""
    end = len(parts)
    while end and (parts[end - 1] in _VARIANTS or parts[end - 1].isdigit()):
        end -= 1
    return parts[:end]


def _by_password_inside(parts: tuple[str, ...]) -> Suspicion:
    """For a password with words behind it that say whose it is: `PASSWORD_JUPYTER`."""
    for index, word in enumerate(parts[:-1]):
        if word in _PASSWORDS_ANYWHERE and not (_ABOUT_PASSWORDS | _HARMLESS).intersection(parts[index + 1 :]):
            return Suspicion.MEDIUM
    return Suspicion.NONE


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
    own = max(own, _by_keys_above(names))
    if own < Suspicion.WEAK and above and above[-1] in ("secrets", "stringdata") and not _HARMLESS.intersection(last):
        return Suspicion.WEAK
    return own


def _by_keys_above(names: tuple[str, ...]) -> Suspicion:
    """For what stands below a key that holds a secret: `password: {value: x}`, `clientSecret: {old: x, new: y}`."""
    for index in range(len(names) - 2, -1, -1):
        level = key_suspicion(names[index])
        below = [words(name) for name in names[index + 1 :]]
        if level < Suspicion.MEDIUM or any(
            (_HARMLESS | _NOT_CONTENT | _ABOUT_PASSWORDS).intersection(w) for w in below
        ):
            continue
        if level is Suspicion.STRONG or _CONTENT.intersection(below[-1]):
            return level
    return Suspicion.NONE


def _by_last_word(last: str, previous: str, before: frozenset[str]) -> Suspicion:
    if last in _PASSWORDS:
        return Suspicion.STRONG
    if last.endswith(("pass", "pw", "pwd", "passwd")) and last not in _WHOLE_WORDS_WITH_PASS:
        return Suspicion.STRONG
    if last == "secret":
        if previous in _STRONG_SECRET_OWNERS:
            return Suspicion.STRONG
        return Suspicion.RELATED if before & _NAMED_SECRETS else Suspicion.MEDIUM
    if last in ("token", "logins") or (last == "signing" and previous == "jwt"):
        return Suspicion.MEDIUM
    if last == "fernet" or (last in _ENDS_BY_OWNER and previous in _ENDS_BY_OWNER[last]):
        return Suspicion.STRONG
    if last == "key":
        return _by_key_owner(previous)
    if last in _WEAK_ENDS:
        return Suspicion.WEAK
    return Suspicion.NONE


def _by_key_owner(previous: str) -> Suspicion:
    if previous not in _KEY_OWNERS:
        return Suspicion.NONE
    return Suspicion.STRONG if previous in _STRONG_KEY_OWNERS else Suspicion.MEDIUM
