"""What the parts of EKS share: checks of what a call gives, pages of answers, errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from csoc.emulator.cloud import moto_accounts, moto_resources
from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.eks.records import Body, ClusterRecord
from csoc.emulator.iam.documents import PolicyError, parse_policy

_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
_PAGE = 100


class Updating(Protocol):
    """Begins an update of a cluster ("cluster", "version"), nodegroup or addon, and gives it as the API does."""

    def __call__(
        self,
        call: Call,
        record: ClusterRecord,
        kind: str,
        name: str,
        type_name: str,
        params: Sequence[Mapping[str, str]],
    ) -> Body: ...


@dataclass(frozen=True, slots=True)
class Shared:
    """What a part needs of the whole. named, active: a cluster by a call's parameter, the latter one that takes
    changes. wait: lets a status take its time (account, region, cluster, kind, name, status)."""

    named: Callable[[Call, str], ClusterRecord]
    active: Callable[[Call, str], ClusterRecord]
    wait: Callable[[str, str, ClusterRecord, str, str, str], None]
    updating: Updating
    ids: Callable[[], str]


def network(call: Call, asked: Mapping[str, Any]) -> Body:
    """The network of a cluster, from what a call asks for. Raises AwsError InvalidParameterException."""
    subnets = [str(one) for one in asked.get("subnetIds") or ()]
    zones, vpc = set(), ""
    for one in subnets:
        found = moto_resources.subnet(call.account, call.region, one)
        if found is None:
            raise invalid(
                f"The subnet ID '{one}' does not exist (Service: AmazonEC2; Error Code: InvalidSubnetID.NotFound)"
            )
        vpc, zone = found
        zones.add(zone)
    if len(zones) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    public = asked.get("endpointPublicAccess", True)
    private = asked.get("endpointPrivateAccess", False)
    if not public and not private:
        raise invalid("Private and public endpoint access cannot be false")
    return {
        "subnetIds": subnets,
        "securityGroupIds": list(asked.get("securityGroupIds") or ()),
        "clusterSecurityGroupId": moto_resources.default_group(call.account, call.region, vpc),
        "vpcId": vpc,
        "endpointPublicAccess": public,
        "endpointPrivateAccess": private,
        "publicAccessCidrs": list(asked.get("publicAccessCidrs") or (["0.0.0.0/0"] if public else [])),
    }


def as_request(network: Mapping[str, Any]) -> Body:
    """The part of a cluster's network that a call may ask for."""
    return {name: value for name, value in network.items() if name not in ("vpcId", "clusterSecurityGroupId")}


def logging_of(asked: Mapping[str, Any], before: Mapping[str, Any]) -> Body:
    """Which logs are on, after a change of what was."""
    on = {name for one in before.get("clusterLogging", ()) if one["enabled"] for name in one["types"]}
    for one in asked.get("clusterLogging", ()):
        unknown = set(one.get("types", ())) - set(_LOGS)
        if unknown:
            raise invalid(f"Unsupported log type {sorted(unknown)[0]}")
        on = on | set(one.get("types", ())) if one.get("enabled") else on - set(one.get("types", ()))
    groups = [(True, [name for name in _LOGS if name in on]), (False, [name for name in _LOGS if name not in on])]
    return {"clusterLogging": [{"types": names, "enabled": enabled} for enabled, names in groups if names]}


def check_role(account: str, arn: str, service: str) -> None:
    """Raises AwsError unless the role exists and the service may assume it. service: "" for any."""
    role = moto_accounts.role(account, arn)
    why = f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
    if role is None:
        raise invalid(why)
    try:
        policy = parse_policy(role.trust or {})
    except PolicyError:
        raise invalid(why) from None
    trusted = any(
        statement.allow and service in (statement.principals or {}).get("Service", ())
        for statement in policy.statements
    )
    if service and not trusted:
        raise invalid(why)


def check_active(body: Body, record: ClusterRecord) -> None:
    """Raises AwsError ResourceInUseException while something is under way."""
    if body["status"] not in ("ACTIVE", "DEGRADED", "CREATE_FAILED", "UPDATE_FAILED"):
        raise in_use(f"{body.get('nodegroupName') or body.get('addonName') or record.name} is {body['status']}", record)


def page(name: str, found: Sequence[Any], call: Call) -> Answer:
    """A page of an answer, by the call's maxResults and nextToken."""
    size = int(call.parameters.get("maxResults") or _PAGE)
    token = str(call.parameters.get("nextToken") or "0")
    if not token.isdecimal():
        raise invalid("The next token is not valid")
    start = int(token)
    rest = {"nextToken": str(start + size)} if start + size < len(found) else {}
    return {name: list(found[start : start + size]), **rest}


def invalid(message: str) -> AwsError:
    """What EKS says of a parameter that is wrong."""
    return AwsError("InvalidParameterException", message, 400)


def in_use(message: str, record: ClusterRecord) -> AwsError:
    """What EKS says while something is used or under way."""
    return AwsError("ResourceInUseException", f"{message} (cluster {record.name})", 409)
