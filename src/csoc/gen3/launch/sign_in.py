"""How fence is told who signs people in: a public part in values, a secret part in Secrets Manager.

Fence merges both files, mapping by mapping, the secret one winning. Only what is secret, and what the chart's jobs read
without the merge, is in the secret one, so that everything else is reviewed in Git and changed without a new secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from csoc.fleet.documents.infrastructure import SignIn

_DISCOVERY: Mapping[str, str] = MappingProxyType(
    {
        "google": "https://accounts.google.com/.well-known/openid-configuration",
        "orcid": "https://orcid.org/.well-known/openid-configuration",
        "microsoft": "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration",
        "cilogon": "https://cilogon.org/.well-known/openid-configuration",
        "ras": "https://sts.nih.gov/.well-known/openid-configuration",
    }
)
"""Where providers describe themselves, from fence's own default configuration."""

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "google": "Google",
        "orcid": "ORCID",
        "microsoft": "Microsoft",
        "okta": "Okta",
        "cognito": "Amazon Cognito",
        "cilogon": "CILogon",
        "ras": "NIH",
    }
)
_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "google": "openid email",
        "orcid": "openid",
        "microsoft": "openid email",
        "okta": "openid email",
        "cognito": "openid email",
        "cilogon": "openid email profile",
        "ras": "openid ga4gh_passport_v1 email profile",
    }
)


def redirect_path(provider: str) -> str:
    """Where the provider sends people back to, below fence's address; whoever registers the client needs it."""
    return "/login/ras/callback" if provider == "ras" else f"/login/{provider}/login/"


def redirect_url(hostname: str, provider: str) -> str:
    """The same with the commons' hostname."""
    return f"https://{hostname}/user{redirect_path(provider)}"


def button(chosen: SignIn) -> str:
    """What the provider's button says."""
    return f"Sign in with {chosen.name or _NAMES.get(chosen.provider, chosen.provider)}"


def public_part(chosen: SignIn) -> dict[str, Any]:
    """Fence's settings of the sign-in that anybody may read, for FENCE_CONFIG_PUBLIC."""
    provider: dict[str, Any] = {
        "discovery_url": chosen.discovery_url or _DISCOVERY.get(chosen.provider, ""),
        "redirect_url": "{{BASE_URL}}" + redirect_path(chosen.provider),
        "scope": _SCOPES.get(chosen.provider, "openid email"),
    }
    if chosen.provider not in _NAMES:
        provider["name"] = chosen.name or chosen.provider
        provider["user_id_field"] = "email"
        provider["email_field"] = "email"
    return {
        "OPENID_CONNECT": {chosen.provider: {key: value for key, value in provider.items() if value}},
        "LOGIN_OPTIONS": [{"name": button(chosen), "idp": chosen.provider}],
        "DEFAULT_LOGIN_IDP": chosen.provider,
    }
