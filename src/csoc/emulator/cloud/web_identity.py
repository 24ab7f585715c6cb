"""Tokens of identity providers, as STS checks them: IAM roles for service accounts rest on this.

Source: STS API reference, AssumeRoleWithWebIdentity; "Available keys for AWS OIDC federation", AWS IAM User Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from csoc.emulator.cloud import moto_accounts
from csoc.emulator.cloud.calls import AwsError

IssuerKeys = Callable[[str], Mapping[str, Any] | None]
"""The key set (as at its jwks_uri) of an issuer that this emulator knows, by its URL; None if it knows it not."""

_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]
_LARGEST_TOKEN = 20_000


@dataclass(frozen=True, slots=True)
class WebIdentity:
    """Whom a token speaks of. provider: ARN of the identity provider in the role's account. name: the issuer without
    its scheme, as condition keys have it."""

    provider: str
    name: str
    subject: str
    audience: str
    claims: Mapping[str, Any]

    def context(self) -> dict[str, str | list[str]]:
        """Condition keys that follow from the token, lower case."""
        found: dict[str, str | list[str]] = {
            f"{self.name}:sub".lower(): self.subject,
            f"{self.name}:aud".lower(): self.audience,
            "aws:federatedprovider": self.provider,
        }
        amr = self.claims.get("amr")
        if isinstance(amr, list):
            found[f"{self.name}:amr".lower()] = [str(one) for one in amr]
        return found


def checked(token: str, account: str, keys: IssuerKeys, now: datetime) -> WebIdentity:
    """Raises AwsError InvalidIdentityToken, ExpiredTokenException or IDPCommunicationError."""
    if len(token) > _LARGEST_TOKEN:
        raise _invalid("The token is too long")
    try:
        header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise _invalid("Token is invalid or malformed") from None
    issuer = str(claims.get("iss", ""))
    provider = moto_accounts.identity_provider(account, issuer)
    if provider is None:
        raise _invalid(f"No OpenIDConnect provider found in your account for {issuer}")
    key_set = keys(issuer)
    if key_set is None:
        raise AwsError(
            "IDPCommunicationError",
            f"The emulator knows no keys of {issuer}: it fetches none, and knows its clusters and whom it was told of",
            400,
        )
    _verify(token, header, key_set)
    audience = claims.get("aud")
    audiences = [str(one) for one in audience] if isinstance(audience, list) else [str(audience)]
    accepted = [one for one in audiences if one in provider.audiences]
    if not accepted:
        raise _invalid("Incorrect token audience")
    _check_times(claims, now)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _invalid("Token has no subject")
    return WebIdentity(provider.arn, issuer.removeprefix("https://"), subject, accepted[0], claims)


def _verify(token: str, header: Mapping[str, Any], key_set: Mapping[str, Any]) -> None:
    for entry in key_set.get("keys", ()):
        if entry.get("kid") != header.get("kid"):
            continue
        try:
            key = jwt.PyJWK(entry)
            jwt.decode(token, key.key, algorithms=_ALGORITHMS, options={"verify_aud": False, "verify_exp": False,
                       "verify_nbf": False, "verify_iat": False})  # fmt: skip
        except jwt.PyJWTError:
            break
        return
    raise _invalid("Couldn't retrieve verification key from your identity provider, or the signature is wrong")


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    ends, begins = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(ends, (int, float)) or not isinstance(begins, (int, float)):
        raise _invalid("Token must have exp and iat claims")
    if now.timestamp() >= ends:
        times = f"current date/time {int(now.timestamp())} must be before the expiration date/time {int(ends)}"
        raise AwsError("ExpiredTokenException", f"Token expired: {times}", 400)
    if now.timestamp() + 300 < begins:
        raise _invalid("Token is not valid yet")


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidIdentityToken", why, 400)
