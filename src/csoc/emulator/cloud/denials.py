"""With which code and status a service says no: to a caller without the right, and to one whom a planned fault hits.

Source: "Common errors" and the Errors section of each service's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping

_CODES: Mapping[str, tuple[str, int]] = {
    "ec2": ("UnauthorizedOperation", 403),
    "sns": ("AuthorizationError", 403),
    **dict.fromkeys(
        ("autoscaling", "cloudformation", "cloudwatch", "elbv2", "iam", "rds", "route53", "s3", "sts"),
        ("AccessDenied", 403),
    ),
    **dict.fromkeys(
        ("backup", "efs", "eks", "guardduty", "lambda", "opensearch", "resource-groups", "securityhub"),
        ("AccessDeniedException", 403),
    ),
}
_JSON = ("AccessDeniedException", 400)


def denial(service: str) -> tuple[str, int]:
    """Code and status. What is not in the table speaks a JSON protocol, whose services share one."""
    return _CODES.get(service, _JSON)
