"""What a stack's template may refer to: its parameters, its resources, exports of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from csoc.emulator.cloud.calls import Identity
from csoc.emulator.cloudformation.outside import Outside
from csoc.emulator.cloudformation.stack_records import Stack, Stacks
from csoc.emulator.cloudformation.template.functions import HIDDEN, NotKnownYetError, Scope
from csoc.emulator.cloudformation.template.model import Parameter, Template, TemplateError
from csoc.emulator.cloudformation.template.parameters import check_names, check_value, items_of
from csoc.emulator.cloudformation.template.rules import check_rules

__all__ = ["Outside", "hiding", "parameter_values", "scope_of"]


def parameter_values(
    stacks: Stacks, stack: Stack, template: Template, given: Mapping[str, str], outside: Outside, identity: Identity
) -> tuple[dict[str, Any], dict[str, str]]:
    """Resolved values by parameter, and for those that come from SSM the value that was read, for DescribeStacks.

    Raises TemplateError for a parameter that is missing, unknown, against its rules, or names what does not exist.
    """
    check_names(template, given)
    values: dict[str, Any] = {}
    resolved: dict[str, str] = {}
    for parameter in template.parameters.values():
        text = given.get(parameter.name, parameter.default or "")
        check_value(parameter, text)
        if parameter.from_ssm:
            text = resolved[parameter.name] = outside.ssm_parameter(identity, stack.region, text)
        _check_existence(parameter, text, outside, identity, stack.region)
        values[parameter.name] = items_of(parameter, text) if parameter.is_list else text
    if template.rules:
        scope = scope_of(stacks, stack, outside, identity, template=template, parameters=values)
        region = stack.region
        check_rules(
            template,
            scope,
            lambda kind, value, attribute: outside.attribute_of(identity, region, kind, value, attribute),
            lambda kind: outside.all_of(identity, region, kind),
        )
    return values, resolved


def _check_existence(parameter: Parameter, text: str, outside: Outside, identity: Identity, region: str) -> None:
    if not parameter.item_type.startswith("AWS::"):
        return
    for item in items_of(parameter, text):
        if not outside.exists(identity, region, parameter.item_type, item):
            raise TemplateError(
                f"Parameter validation failed: parameter value {item} for parameter name {parameter.name} does not "
                "exist"
            )


def hiding(scope: Scope) -> Scope:
    """The same scope with values of NoEcho parameters hidden; conditions hold as they do with the values."""
    for name in scope.template.conditions:
        scope.condition(name)
    parameters = dict(scope.parameters)
    for parameter in scope.template.parameters.values():
        if parameter.no_echo and parameter.name in parameters:
            value = parameters[parameter.name]
            parameters[parameter.name] = [HIDDEN] * len(value) if isinstance(value, list) else HIDDEN
    return replace(scope, parameters=parameters)


def scope_of(
    stacks: Stacks,
    stack: Stack,
    outside: Outside,
    identity: Identity | None,
    imported: set[str] | None = None,
    *,
    template: Template | None = None,
    parameters: Mapping[str, Any] | None = None,
    notifications: tuple[str, ...] | None = None,
    renewed: Callable[[str], bool] = lambda _: False,
) -> Scope:
    """The scope of a stack as it stands. imported: collects names of exports that are used. template, parameters,
    notifications: of a planned change instead of the stack's own. renewed: resources whose values a change would only
    make known."""

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
        stack.notifications if notifications is None else notifications,
    )
