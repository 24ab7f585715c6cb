"""What a stack's template may refer to: its parameters, its resources, exports of others, SSM and Secrets Manager."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloud.inside import InsideClients
from csoc.emulator.cloudformation.stacks import Stack, Stacks
from csoc.emulator.cloudformation.template.functions import NotKnownYetError, Scope
from csoc.emulator.cloudformation.template.model import Parameter, Template, TemplateError
from csoc.emulator.cloudformation.template.reading import text_of

_SERVICE = "cloudformation.amazonaws.com"
_ZONES = "abc"


class Outside:
    """Values that templates take from other services, read in the name of whoever runs the stack."""

    def __init__(self, inside: InsideClients) -> None:
        self._inside = inside

    def zones(self, region: str) -> tuple[str, ...]:
        """Availability zones of a region, in order."""
        return tuple(f"{region}{letter}" for letter in _ZONES)

    def ssm(self, identity: Identity, region: str, name: str, decrypt: bool = False) -> str:
        """A parameter's value. Raises TemplateError if it does not exist or may not be read."""
        self._inside.act_as(identity, _SERVICE)
        try:
            found = self._inside.client("ssm", region).get_parameter(Name=name, WithDecryption=decrypt)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                raise TemplateError(
                    f"Unable to fetch parameters [{name}] from parameter store for this account."
                ) from None
            raise TemplateError(str(error)) from None
        return str(found["Parameter"]["Value"])

    def secret(self, identity: Identity, region: str, reference: str) -> str:
        """{{resolve:secretsmanager:id:SecretString:key:stage:version}}. Raises TemplateError."""
        match = re.fullmatch(
            r"(?P<id>arn:[^:]*:secretsmanager:[^:]*:[0-9]*:secret:[^:]+|[^:]+)"
            r"(:SecretString(:(?P<key>[^:]*))?(:(?P<stage>[^:]*))?(:(?P<version>[^:]*))?)?",
            reference,
        )
        if match is None:
            raise TemplateError(f"Template error: the dynamic reference to {reference} is malformed")
        named = {"SecretId": match["id"]}
        named |= {"VersionStage": match["stage"]} if match["stage"] else {}
        named |= {"VersionId": match["version"]} if match["version"] else {}
        self._inside.act_as(identity, _SERVICE)
        try:
            text = str(self._inside.client("secretsmanager", region).get_secret_value(**named)["SecretString"])
        except ClientError as error:
            raise TemplateError(str(error)) from None
        if not match["key"]:
            return text
        try:
            return text_of(json.loads(text)[match["key"]])
        except (ValueError, KeyError, TypeError):
            raise TemplateError(
                f"Could not find a value associated with JSONKey in SecretString ({match['id']})"
            ) from None

    def resolved(self, identity: Identity, region: str, service: str, reference: str) -> str:
        """The value behind a dynamic reference."""
        if service in ("ssm", "ssm-secure"):
            return self.ssm(identity, region, reference, decrypt=service == "ssm-secure")
        if service == "secretsmanager":
            return self.secret(identity, region, reference)
        raise TemplateError(f"Template error: unknown service {service} in a dynamic reference")


def parameter_values(
    template: Template, given: Mapping[str, str], outside: Outside, identity: Identity, region: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Resolved values by parameter, and for those that come from SSM the value that was read, for DescribeStacks.

    Raises TemplateError for a parameter that is missing, unknown, or against its rules.
    """
    unknown = sorted(set(given) - set(template.parameters))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(p.name for p in template.parameters.values() if p.default is None and p.name not in given)
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    values: dict[str, Any] = {}
    resolved: dict[str, str] = {}
    for parameter in template.parameters.values():
        text = given.get(parameter.name, parameter.default or "")
        _allowed(parameter, text)
        if parameter.from_ssm:
            text = resolved[parameter.name] = outside.ssm(identity, region, text)
        values[parameter.name] = [item.strip() for item in text.split(",")] if parameter.is_list else text
    return values, resolved


def _allowed(parameter: Parameter, text: str) -> None:
    name, constraint = parameter.name, parameter.constraint
    because = f"Parameter {name} failed to satisfy constraint: {constraint}" if constraint else ""
    if parameter.allowed_values and any(
        item not in parameter.allowed_values for item in (text.split(",") if parameter.is_list else [text])
    ):
        raise TemplateError(because or f"Parameter '{name}' must be one of AllowedValues")
    if parameter.allowed_pattern and not re.fullmatch(parameter.allowed_pattern, text):
        raise TemplateError(because or f"Parameter '{name}' must match pattern {parameter.allowed_pattern}")
    if parameter.min_length is not None and len(text) < parameter.min_length:
        raise TemplateError(because or f"Parameter '{name}' must contain at least {parameter.min_length} characters")
    if parameter.max_length is not None and len(text) > parameter.max_length:
        raise TemplateError(because or f"Parameter '{name}' must contain at most {parameter.max_length} characters")
    if parameter.type == "Number":
        try:
            number = float(text)
        except ValueError:
            raise TemplateError(f"Parameter '{name}' must be a number") from None
        if parameter.min_value is not None and number < parameter.min_value:
            raise TemplateError(because or f"Parameter '{name}' must be a number not less than {parameter.min_value:g}")
        if parameter.max_value is not None and number > parameter.max_value:
            raise TemplateError(
                because or f"Parameter '{name}' must be a number not greater than {parameter.max_value:g}"
            )


def scope_of(
    stacks: Stacks,
    stack: Stack,
    outside: Outside,
    identity: Identity | None,
    imported: set[str] | None = None,
    *,
    template: Template | None = None,
    parameters: Mapping[str, Any] | None = None,
    renewed: Callable[[str], bool] = lambda _: False,
) -> Scope:
    """The scope of a stack as it stands. imported: collects names of exports that are used. template, parameters: of a
    planned change instead of the stack's own. renewed: resources whose values a change would only make known."""

    def ref(name: str) -> str:
        record = stack.resources.get(name)
        if record is None or not record.exists or renewed(name):
            raise NotKnownYetError(name)
        return record.ref if record.ref is not None else record.physical_id

    def attribute(name: str, path: str) -> Any:
        record = stack.resources.get(name)
        if record is None or not record.exists or renewed(name):
            raise NotKnownYetError(f"{name}.{path}")
        if path not in record.attributes:
            raise TemplateError(f"Template error: resource {name} does not support attribute type {path} in Fn::GetAtt")
        return record.attributes[path]

    def export(name: str) -> str:
        found = stacks.exports().get(name)
        if found is None or found[1] is stack:
            raise TemplateError(f"No export named {name} found.")
        if imported is not None:
            imported.add(name)
        return found[0]

    def dynamic(service: str, reference: str) -> str:
        if identity is None:
            raise TemplateError("Template error: nobody runs this stack")
        return outside.resolved(identity, stack.region, service, reference)

    used = template or stack.template
    if used is None:
        raise TemplateError(f"Stack {stack.name} has no template")
    return Scope(
        used,
        stack.parameters if parameters is None else parameters,
        stack.account,
        stack.region,
        stack.id,
        stack.name,
        outside.zones(stack.region),
        ref,
        attribute,
        export,
        dynamic,
        stack.notifications,
    )
