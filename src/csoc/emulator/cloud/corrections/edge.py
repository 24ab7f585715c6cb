"""Load balancers, web ACLs, parameters: deletions that AWS would refuse, one web ACL a resource, where logs may go,
patterns of values.

Sources: Elastic Load Balancing API Reference, DeleteLoadBalancer (OperationNotPermitted); AWS WAF API Reference,
DeleteWebACL and DeleteIPSet (WAFAssociatedItemException), AssociateWebACL; AWS WAF Developer Guide, "Logging
destinations" (their names start with aws-waf-logs-); AWS Systems Manager API Reference, PutParameter.
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.elbv2.models import elbv2_backends
from moto.wafv2.models import wafv2_backends

from csoc.emulator.cloud.calls import Answer, AwsError, Call
from csoc.emulator.cloud.corrections.correction import Correction
from csoc.errors import RejectedError
from csoc.fleet.linearregex import Budget, Syntax, compile_pattern

_PATTERNS = Syntax(re2=True)

_IN_USE = (
    "AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated "
    "with another resource."
)


def elbv2() -> Correction:
    """What is put right in load balancers."""
    return Correction("elbv2", before={"DeleteLoadBalancer": _not_protected})


def wafv2() -> Correction:
    """What is put right in web ACLs."""
    return Correction(
        "wafv2",
        before={
            "AssociateWebACL": _one_acl,
            "DeleteIPSet": _not_named,
            "DeleteRegexPatternSet": _not_named,
            "DeleteRuleGroup": _not_named,
            "DeleteWebACL": _not_associated,
            "PutLoggingConfiguration": _log_destination,
        },
        after={"AssociateWebACL": _replaced},
    )


def ssm() -> Correction:
    """What is put right in parameters."""
    return Correction("ssm", before={"PutParameter": _matches_its_pattern})


def _matches_its_pattern(call: Call) -> None:
    pattern, value = call.parameters.get("AllowedPattern"), call.parameters["Value"]
    try:
        fits = not pattern or compile_pattern(pattern, _PATTERNS, anywhere=True).matches(value, Budget())
    except RejectedError as error:
        # Also one that AWS takes and the engine does not, or that would take too long.
        why = f"{pattern} is no regular expression that the emulator matches: {error.cause}"
        raise AwsError("InvalidAllowedPatternException", why, 400) from None
    if not fits:
        raise AwsError("ParameterPatternMismatchException", f"The value of the parameter does not match {pattern}", 400)


def _not_protected(call: Call) -> None:
    arn = call.parameters["LoadBalancerArn"]
    balancer: Any = elbv2_backends[call.account][call.region].load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        raise AwsError(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
            400,
        )


def _acls(call: Call) -> list[Any]:
    region = "global" if call.parameters.get("Scope") == "CLOUDFRONT" else call.region
    return list(wafv2_backends[call.account][region].wacls.values())


def _exists(call: Call, arn: str) -> bool:
    """True for a load balancer that is there, and for resources of other services, which are not looked at."""
    return ":loadbalancer/" not in arn or arn in elbv2_backends[call.account][call.region].load_balancers


def _one_acl(call: Call) -> None:
    if not _exists(call, call.parameters["ResourceArn"]):
        raise AwsError(
            "WAFNonexistentItemException",
            "AWS WAF couldn’t perform the operation because your resource doesn’t exist.",
            400,
        )


def _replaced(call: Call, answer: dict[str, Any]) -> Answer:
    """A resource has one web ACL: the new one takes the place of the old."""
    resource = call.parameters["ResourceArn"]
    for acl in _acls(call):
        if acl.arn != call.parameters["WebACLArn"]:
            acl.associated_resources[:] = [one for one in acl.associated_resources if one != resource]
    return answer


def _not_associated(call: Call) -> None:
    for acl in _acls(call):
        if acl.id == call.parameters["Id"] and any(_exists(call, one) for one in acl.associated_resources):
            raise AwsError("WAFAssociatedItemException", _IN_USE, 400)


def _not_named(call: Call) -> None:
    wanted = f"/{call.parameters['Name']}/{call.parameters['Id']}"
    for acl in _acls(call):
        if wanted in json.dumps(acl.to_dict(), default=str):
            raise AwsError("WAFAssociatedItemException", _IN_USE, 400)


def _log_destination(call: Call) -> None:
    for arn in call.parameters["LoggingConfiguration"]["LogDestinationConfigs"]:
        if not re.search(r"(:log-group:|:deliverystream/|:s3:::)aws-waf-logs-", arn):
            raise AwsError(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information "
                f"separated by colons or slashes., field: LOG_DESTINATION, parameter: {arn}",
                400,
            )
