"""A login button whose identity provider has no client id or secret leads to an error.

Only where Helm makes fence's configuration is all of it known. Providers that are mocked need neither, and shibboleth
and the providers behind another fence's own login are told apart by their name.
"""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.shapes import mapping, mappings
from csoc.gen3.findings import Evidence, Severity
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.fence_settings import FenceSettings, fence_settings
from csoc.gen3.state import EnvironmentState

_BY_HEADER = "shibboleth"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit a provider that is offered and lacks something."""
    settings = fence_settings(state)
    if settings is None or not settings.whole or not values_complete(state) or settings.get("MOCK_AUTH") is True:
        return
    known = mapping(settings.get("OPENID_CONNECT"))
    if not known:
        return
    for provider, key in _offered(settings).items():
        entry = known.get(provider)
        if provider == _BY_HEADER or _is_mocked(settings, provider, entry):
            continue
        evidence = [state.at(settings.path(key))]
        if not isinstance(entry, dict):
            cause = f"The identity provider {provider} is offered, and fence.FENCE_CONFIG.OPENID_CONNECT has none of it"
        else:
            lacking = [name for name in ("client_id", "client_secret") if entry.get(name) in (None, "")]
            if not lacking:
                continue
            cause = f"The identity provider {provider} is offered and has no {' and no '.join(lacking)}"
            place = state.at(settings.path("OPENID_CONNECT", provider)).location
            path = ".".join(map(str, settings.path("OPENID_CONNECT", provider)))
            evidence.append(Evidence(f"{path}: no {', no '.join(lacking)}", place, state.view.name))
        yield Hit(cause=cause, key=provider, evidence=tuple(evidence))


def _offered(settings: FenceSettings) -> dict[str, str]:
    """Providers that users are offered, with the key that says so."""
    offered: dict[str, str] = {}
    for option in mappings(settings.get("LOGIN_OPTIONS")):
        if isinstance(option.get("idp"), str):
            offered.setdefault(option["idp"], "LOGIN_OPTIONS")
    default = settings.get("DEFAULT_LOGIN_IDP")
    if isinstance(default, str) and default:
        offered.setdefault(default, "DEFAULT_LOGIN_IDP")
    return offered


def _is_mocked(settings: FenceSettings, provider: str, entry: object) -> bool:
    by_google = provider == "google" and settings.get("MOCK_GOOGLE_AUTH") is True
    return by_google or bool(mapping(entry).get("mock"))


RULE = Rule(
    id="fence-provider-incomplete",
    title="A login that cannot work",
    severity=Severity.HIGH,
    consequence="Whoever chooses this login sees an error instead of the provider's page.",
    fix="Set client_id and client_secret below fence.FENCE_CONFIG.OPENID_CONNECT.<provider>, or take the provider out"
    " of LOGIN_OPTIONS and DEFAULT_LOGIN_IDP.",
    covers=("M14",),
    environment=check,
)
