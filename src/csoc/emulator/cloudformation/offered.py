"""Which resource types are made, and why others are not.

A template with a type that nobody makes is refused when it is asked for, by name, rather than when half of its stack is
there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from csoc.emulator.cloudformation.template.model import Template, TemplateError

CUSTOM = "Custom::"
NOBODY_ANSWERS = "functions and topics are kept and nobody runs behind them, so that it would never be answered"
NOT_OFFERED: Mapping[str, str] = {
    "AWS::CloudFormation::CustomResource": NOBODY_ANSWERS,
    "AWS::CloudFormation::Macro": "the emulator runs no macros",
    "AWS::CloudFormation::StackSet": "the emulator has no stack sets",
    "AWS::EKS::FargateProfile": "no simulated pod runs on Fargate; give the cluster a nodegroup",
    "AWS::EKS::IdentityProviderConfig": "clusters take IAM's identities and no other issuer's",
    "AWS::IAM::AccessKey": (
        "the secret of the key would be an attribute of the stack; use a role, or make the key with iam:CreateAccessKey"
    ),
    "AWS::CloudFormation::WaitConditionHandle": (
        "the emulator does not serve the address that it would hand out; give AWS::CloudFormation::WaitCondition a "
        "CreationPolicy and signal it with SignalResource"
    ),
}
"""Reasons of types that templates of commons use elsewhere; others are simply not there."""


def check_types(template: Template, made: Container[str], known: Callable[[str], bool]) -> None:
    """Raises TemplateError for types that are not made. made: those that are. known: whether the region has a type."""
    asked = sorted({resource.type for resource in template.resources.values() if resource.type not in made})
    unknown = [kind for kind in asked if not (kind.startswith(CUSTOM) or known(kind) or kind in NOT_OFFERED)]
    if unknown:
        raise TemplateError(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    if asked:
        raise TemplateError("; ".join(refusal(kind) for kind in asked))


def refusal(kind: str) -> str:
    """What is said of a type that is not made."""
    why = NOBODY_ANSWERS if kind.startswith(CUSTOM) else NOT_OFFERED.get(kind, "")
    return f"The emulator does not make {kind}: {why or 'docs/reference/resource-types.md lists what it makes'}"
