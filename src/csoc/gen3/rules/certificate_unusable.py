"""The load balancer takes its certificate by ARN, and the chart's default ARN is a placeholder.

An empty ARN is left alone: the load balancer controller then looks for a certificate of the host by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values, is_true
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.state import EnvironmentState

_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:([a-z0-9-]+):(\d{12}):certificate/[\w-]+")
_SERVER = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):server-certificate/\S+")
_PATH = "global.revproxyArn"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each ARN that is no certificate's, or is another account's or region's."""
    values = Gen3Values(state)
    if not values_complete(state) or not is_true(state.get("global.aws.enabled")) or not values.on("revproxy"):
        return
    for arn in re.split(r"[,\s]+", values.text(_PATH).strip()):
        problem = _problem(state, arn) if arn else ""
        if problem:
            yield Hit(cause=f"{_PATH} {problem}", key=problem, evidence=(state.at(_PATH, f"{_PATH}: {arn[:120]}"),))


def _problem(state: EnvironmentState, arn: str) -> str:
    if _SERVER.fullmatch(arn):
        return ""
    found = _CERTIFICATE.fullmatch(arn)
    if not found:
        written = state.written(_PATH)
        return "is not the ARN of a certificate" if written else "is not set; the chart's default is a placeholder"
    region, account = found.groups()
    own_account, own_region = str(state.get("global.aws.account") or ""), str(state.get("global.aws.region") or "")
    if re.fullmatch(r"\d{12}", own_account) and own_account != account:
        return f"is a certificate of the account {account}, not of {own_account}"
    if state.written("global.aws.region") and own_region and own_region != region:
        return f"is a certificate in {region}, not in {own_region}"
    return ""


RULE = Rule(
    id="certificate-unusable",
    title="A certificate that the load balancer cannot use",
    severity=Severity.CRITICAL,
    consequence="The load balancer controller cannot make the HTTPS listener, so the site is not reachable.",
    fix=(
        f"Set {_PATH} to the ARN of an ACM certificate for the hostname in the account and region of the cluster: "
        "arn:aws:acm:<region>:<account>:certificate/<id>."
    ),
    covers=("M5",),
    environment=check,
)
