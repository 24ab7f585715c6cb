"""The chart writes role ARNs from parts, and a part that is missing or already an ARN gives something that is none.

`hatchery_role`, `sower_role` and `awsEsProxyRole` are names ("path/name"), joined to `global.aws.account`; the
annotations that the services' own blocks give are ignored where `global.aws.enabled` is true (chart 0.3.90,
charts/{hatchery,sower,aws-es-proxy,aws-sigv4-proxy}/templates/serviceaccount.yaml).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from csoc.fleet.shapes import text
from csoc.gen3.findings import Patch, Severity
from csoc.gen3.gen3_values import ROLE_ANNOTATION, Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.rules.support.reading import rendered
from csoc.gen3.rules.support.workloads import annotations_of, name_of
from csoc.gen3.state import EnvironmentState

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/([\w+=,.@/-]+)")
_ACCOUNT = "global.aws.account"
_WHOLE = "global.aws.awsEsProxyRoleArn"
_PROXY = "aws-es-proxy-sa"  # both proxies call their service account so
# ServiceAccount to the values path that holds its role's name, and the services that use it.
_NAMED: dict[str, tuple[str, tuple[str, ...]]] = {
    "hatchery-service-account": ("global.aws.hatchery_role", ("hatchery",)),
    "sower-service-account": ("global.aws.sower_role", ("sower",)),
    _PROXY: ("global.aws.awsEsProxyRole", ("aws-es-proxy", "aws-sigv4-proxy")),
}


@dataclass(frozen=True, slots=True)
class Annotated:
    """A service account and the role that it is given. path: where values say so."""

    account: str
    role: str
    path: str | tuple[str | int, ...]


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each service account whose role is no role's ARN."""
    found = _rendered(state) if rendered(state) else _expected(state)
    for item in found:
        if item.role and not _ROLE.fullmatch(item.role):
            yield _hit(state, item)


def _rendered(state: EnvironmentState) -> Iterator[Annotated]:
    for entry in state.objects("ServiceAccount"):
        name, role = name_of(entry.body), text(annotations_of(entry.body).get(ROLE_ANNOTATION))
        if name in _NAMED:
            whole = name == _PROXY and state.get(_WHOLE) == role
            yield Annotated(name, role, _WHOLE if whole else _NAMED[name][0])
        else:
            path = next((path for path, value in state.values.walk() if value == role), ("global", "aws"))
            yield Annotated(name, role, path)


def _expected(state: EnvironmentState) -> Iterator[Annotated]:
    """What the chart would write for the accounts whose role it puts together."""
    values = Gen3Values(state)
    if not values_complete(state) or not is_true(state.get("global.aws.enabled")):
        return
    if is_true(state.get("global.crossplane.enabled")):
        return
    for account, (path, services) in _NAMED.items():
        if any(values.on(service) for service in services):
            whole = values.text(_WHOLE) if account == _PROXY else ""
            role = f"arn:aws:iam::{values.text(_ACCOUNT)}:role/{values.text(path)}"
            yield Annotated(account, whole or role, _WHOLE if whole else path)


def _hit(state: EnvironmentState, item: Annotated) -> Hit:
    values = Gen3Values(state)
    key = item.path if isinstance(item.path, str) else ".".join(map(str, item.path))
    written = values.text(item.path)
    named = item.account in _NAMED and not key.endswith("Arn")
    inner = _ARN.fullmatch(written) if named else None
    fix = RULE.fix
    patches: tuple[Patch, ...] = ()
    if inner:
        cause = f"{key} is a role's ARN where the chart wants its name, so {item.account} gets an ARN inside an ARN"
        fix = f"Leave in {key} only what follows :role/ (path and name); the chart puts the rest before it."
        patches = _patch(state, key, inner.group(1), inner.group(2))
    elif named and not written:
        instead = f" (or {_WHOLE})" if item.account == _PROXY else ""
        cause = f"{key}{instead} is not set, so the ServiceAccount {item.account} gets a role without a name"
        fix = f"Set {key} to the role's name and {_ACCOUNT} to its account{', or ' + _WHOLE if instead else ''}."
    elif named and not values.text(_ACCOUNT):
        cause = f"{_ACCOUNT} is not set, so the ServiceAccount {item.account} gets a role of no account"
        fix = f'Set {_ACCOUNT} to the account\'s id, quoted: "111122223333".'
    else:
        cause = f"The role of the ServiceAccount {item.account} is not the ARN of a role ({key})"
    return Hit(
        cause=cause,
        key=f"{item.account} {'inside' if inner else 'malformed'}",
        evidence=(state.at(item.path), state.at(item.path, f"{item.account} gets: {item.role}")),
        fix=fix,
        patches=patches,
    )


def _patch(state: EnvironmentState, path: str, account: str, name: str) -> tuple[Patch, ...]:
    # Only where the chart puts the same account before the name again.
    same = Gen3Values(state).text(_ACCOUNT) == account
    return set_value(state, path, name) if same else ()


RULE = Rule(
    id="role-arn-malformed",
    title="A service account with a role that cannot exist",
    severity=Severity.HIGH,
    consequence="AWS refuses the role: pods with this service account get no credentials and every AWS call fails.",
    fix="Write arn:aws:iam::<account id>:role/<name>.",
    covers=("M5",),
    environment=check,
    rendered=True,
)
