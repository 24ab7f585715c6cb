"""Why a stack failed, in plain words, with the likely fix.

CloudFormation tells what failed in the words of whichever service refused, and marks everything that was going on at
that moment as failed too ("Resource creation cancelled"). The first real failure is the one that counts; what it means
is known for the failures that people meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csoc.provisioning.stacks import StackEvent

_FOLLOWS = re.compile(r"cancelled|The following resource\(s\) failed", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """The first real failure. cause: in plain words; said: the service's own."""

    logical_id: str
    type: str
    cause: str
    fix: str
    said: str


@dataclass(frozen=True, slots=True)
class _Known:
    pattern: re.Pattern[str]
    cause: str
    fix: str


def _known(pattern: str, cause: str, fix: str) -> _Known:
    return _Known(re.compile(pattern, re.IGNORECASE | re.DOTALL), cause, fix)


# The longest of a service's own words that is shown, so that a page stays one.
_SAID = 1_000

# Named groups of a pattern may stand in its words. Sources: messages of the services' API references and of the
# CloudFormation troubleshooting page.
KNOWN: tuple[_Known, ...] = (
    _known(
        r"maximum number of addresses has been reached|AddressLimitExceeded",
        "The account has no Elastic IP address left in this region",
        "Release one that is not used, or ask AWS to raise the quota L-0263D0A3 (EC2-VPC Elastic IPs)",
    ),
    _known(
        r"maximum number of VPCs has been reached|VpcLimitExceeded",
        "The account has as many VPCs in this region as its quota allows",
        "Delete one that is not used, or ask AWS to raise the quota L-F678F1CE (VPCs per region)",
    ),
    _known(
        r"NatGatewayLimitExceeded|NAT gateway limit",
        "The account has as many NAT gateways in a zone as its quota allows",
        "Ask AWS to raise the quota L-FE5A380F, or use one NAT gateway (natGateways: 1)",
    ),
    _known(
        r"vCPU limit|VcpuLimitExceeded|InstanceLimitExceeded",
        "The account may not run that many machines of this kind",
        "Ask AWS to raise the quota of running on-demand instances (L-1216C47A), or choose a smaller size",
    ),
    _known(
        r"InsufficientInstanceCapacity|insufficient capacity|does not have sufficient capacity",
        "AWS has no machine of this type free in a zone at the moment",
        "Try again later, or name other instance types",
    ),
    _known(
        r"not authorized to perform:? (?P<action>[\w:*-]+)",
        "CloudFormation's role may not {action}",
        "Run csoc account verify: it names the missing statement; or an organisation's policy (SCP) denies it",
    ),
    _known(
        r"AccessDenied|is not authorized|UnauthorizedOperation|explicit deny",
        "CloudFormation's role is not allowed to do this",
        "Run csoc account verify: it names the missing statement; or an organisation's policy (SCP) denies it",
    ),
    _known(
        r"already exists|AlreadyExists|EntityAlreadyExists|BucketAlready",
        "A resource of that name is there already, from an earlier attempt or from somebody else",
        "If nobody needs what is in it, delete it in the account (switch off the protection of a database first); else "
        "copy what is needed before",
    ),
    _known(
        r"has dependencies|DependencyViolation|dependent object",
        "Something that its stack did not make is in it or uses it: it was kept of another stack, or somebody made it",
        "Delete that in the account where nobody needs it any more",
    ),
    _known(
        r"scheduled for deletion",
        "A secret of that name was deleted and is still within its days of grace",
        "Restore it (aws secretsmanager restore-secret), and run again",
    ),
    _known(
        r"service.linked role",
        "A service needs its service-linked role, and the account does not have it yet",
        "Make it once: aws iam create-service-linked-role --aws-service-name SERVICE.amazonaws.com",
    ),
    _known(
        r"unsupported Kubernetes version|unsupported kubernetes|Kubernetes version .* not supported",
        "EKS does not offer this Kubernetes version (any more)",
        "Name another one: kubernetesVersion in the Cluster's document",
    ),
    _known(
        r"NodeCreationFailure|failed to join the kubernetes cluster",
        "The machines were made, and did not become nodes: they cannot reach the cluster, ECR or S3",
        "Look whether the private subnets have a way out (NAT gateway, proxy or interface endpoints)",
    ),
    _known(
        r"Cannot find version|engine version .*not (available|supported)|InvalidParameterCombination.*engine",
        "The database engine does not offer this version in this region",
        "Name another engineVersion",
    ),
    _known(
        r"Rate exceeded|Throttl|TooManyRequests|RequestLimitExceeded",
        "AWS throttled the calls",
        "Run again in some minutes; what is there already is kept",
    ),
    _known(
        r"certificate.*(validation|not.*issued)|PENDING_VALIDATION",
        "The certificate was not validated in time: its DNS record is missing",
        "Make the CNAME record that csoc status names, and run again",
    ),
    _known(
        r"(timed out|did not stabilize|NotStabilized|Exceeded attempts to wait)",
        "The resource did not become ready in the time that CloudFormation gives it",
        "Run again; if it happens twice, look at the resource in the account",
    ),
    _known(
        r"Interrupted: the emulator",
        "The emulator was stopped meanwhile",
        "Run again",
    ),
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """What a stack is in which CloudFormation changes nothing any more, and what can be done. fix: {stack} and {layer}
    stand for their names."""

    cause: str
    fix: str


NOT_PUT_BACK = "UPDATE_ROLLBACK_FAILED"
"""The one of them with which applying a plan begins: what was changed is put back first."""

# Source: "Understand CloudFormation stack creation events", status codes; "Continue rolling back an update".
STUCK: Mapping[str, Stuck] = {
    "DELETE_FAILED": Stuck(
        "Its deletion failed half way: a part of it is gone, and a part could not be deleted",
        "Mend what csoc status names, or let it stay in the account: csoc destroy {owner} --layer {layer} plans the "
        "deletion of the rest",
    ),
    NOT_PUT_BACK: Stuck(
        "An update failed, and what it had changed could not all be put back; nothing was deleted",
        "Mend what csoc status names; then csoc plan {owner} --layer {layer} and csoc apply, or csoc runs resume RUN, "
        "put back the rest before they change anything",
    ),
}


_DELETING = ("DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")


def undeletable(events: Sequence[StackEvent], stack: str) -> dict[str, str]:
    """Resources that the last deletion of a stack, or the rollback of its creation, could not delete, with what was
    said. events: of the stack, oldest first."""
    own = [number for number, event in enumerate(events) if event.logical_id == stack]
    begun = [number for number in own if events[number].status in _DELETING]
    last = events[begun[-1] :] if begun else []
    return {
        event.logical_id: " ".join(event.reason.split())[:_SAID]
        for event in last
        if event.status == "DELETE_FAILED" and event.logical_id != stack
    }


def first_failure(events: Sequence[StackEvent], stack: str) -> Failure | None:
    """The first real failure among the events of one operation, oldest first; None if nothing failed."""
    failed = [event for event in events if event.status.endswith("_FAILED")]
    for event in failed:
        if event.logical_id != stack and not _FOLLOWS.search(event.reason):
            return explained(event)
    return explained(failed[0]) if failed else None


def explained(event: StackEvent) -> Failure:
    """One failed event in plain words."""
    said = " ".join(event.reason.split())[:_SAID]
    for known in KNOWN:
        found = known.pattern.search(said)
        if found:
            return Failure(event.logical_id, event.type, known.cause.format(**found.groupdict()), known.fix, said)
    return Failure(
        event.logical_id,
        event.type,
        "The service refused it",
        "Correct what it names",
        said,
    )
