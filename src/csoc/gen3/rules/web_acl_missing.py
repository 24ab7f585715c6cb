"""Switching the web application firewall on without its access list gives an empty annotation and no firewall."""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState

_ACL = re.compile(r"arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional/webacl/[^/\s]+/[^/\s]+")
_SWITCH = "global.aws.wafv2.enabled"
_PATH = "global.aws.wafv2.wafAclArn"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit if the firewall is on and its access list is missing or no regional one's ARN."""
    values = Gen3Values(state)
    on = is_true(state.get("global.aws.enabled")) and is_true(state.get(_SWITCH)) and values.on("revproxy")
    if not values_complete(state) or not on:
        return
    acl = values.text(_PATH).strip()
    if not acl:
        yield Hit(
            cause=f"{_SWITCH} is on, but {_PATH} is empty",
            key="empty",
            evidence=(state.at(_SWITCH), state.at(_PATH)),
        )
    elif not _ACL.fullmatch(acl):
        yield Hit(
            cause=f"{_PATH} is not the ARN of a regional web ACL",
            key="malformed",
            evidence=(state.at(_PATH),),
        )


RULE = Rule(
    id="web-acl-missing",
    title="A web application firewall that is on without an access list",
    severity=Severity.HIGH,
    consequence=(
        "The values read as if the site were behind the firewall; unless something outside this environment attaches "
        "one to the load balancer, it is not."
    ),
    fix=(
        f"Set {_PATH} to arn:aws:wafv2:<region>:<account>:regional/webacl/<name>/<id>, or {_SWITCH} to false so that "
        "nobody believes otherwise."
    ),
    covers=("M5",),
    environment=check,
)
