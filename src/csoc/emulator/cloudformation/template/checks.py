"""What must be right in a template before anything of it is resolved: functions, names that are referred to, circles.

Source of the functions, where they may stand and what they take: AWS CloudFormation User Guide, "Intrinsic function
reference". Functions of the transform AWS::LanguageExtensions are refused by name, since no transform is run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from csoc.emulator.cloudformation.template.model import Template, TemplateError
from csoc.emulator.cloudformation.template.references import (
    SUBSTITUTION,
    conditions_in,
    conditions_of_condition,
    in_order,
    references,
)

_VALUES = frozenset(
    {
        "Ref", "Fn::Base64", "Fn::Cidr", "Fn::FindInMap", "Fn::GetAtt", "Fn::GetAZs", "Fn::If", "Fn::ImportValue",
        "Fn::Join", "Fn::Select", "Fn::Split", "Fn::Sub",
    }
)  # fmt: skip
_CONDITIONS = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
_RULES = frozenset(
    {
        "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll",
    }
)  # fmt: skip
_REFUSED = {
    "Fn::ForEach": "the transform AWS::LanguageExtensions",
    "Fn::Length": "the transform AWS::LanguageExtensions",
    "Fn::ToJsonString": "the transform AWS::LanguageExtensions",
    "Fn::Transform": "macros",
}
_VARIABLE = re.compile(r"[A-Za-z0-9_.:]+")
PSEUDO = frozenset(
    {
        "AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId",
        "AWS::StackName", "AWS::URLSuffix",
    }
)  # fmt: skip


def check_values(section: str, body: Any) -> None:
    """Nulls and functions of one section. Raises TemplateError."""
    allowed = _VALUES | (_CONDITIONS if section in ("Conditions", "Rules") else frozenset())
    if section == "Rules":
        allowed |= _RULES
    for path, value in _walk(body, f"/{section}"):
        if value is None:
            raise TemplateError(f"[{path}] 'null' values are not allowed in templates")
        if isinstance(value, Mapping):
            _functions(path, value, allowed)


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}/{key}")
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{path}/{number}")


def _functions(path: str, value: Mapping[str, Any], allowed: frozenset[str]) -> None:
    for key in value:
        if not key.startswith("Fn::"):
            continue
        name = "Fn::ForEach" if key.startswith("Fn::ForEach::") else key
        if name in _REFUSED:
            raise TemplateError(f"The emulator does not offer {name}: it runs no {_REFUSED[name].removeprefix('the ')}")
        if name not in allowed:
            raise TemplateError(f"Template format error: Unrecognized function [{name}] at [{path}]")
        if len(value) > 1:
            raise TemplateError(f"Template format error: [{path}] {name} must be the only key of its object")
    if "Fn::Sub" in value:
        _substitution(value["Fn::Sub"])
    target = value.get("Ref") if len(value) == 1 else None
    if isinstance(target, str) and target.startswith("AWS::") and target not in PSEUDO:
        raise _unresolved(target, path.split("/")[1])


def _substitution(argument: Any) -> None:
    text = argument[0] if isinstance(argument, (list, tuple)) and argument else argument
    own = argument[1] if isinstance(argument, (list, tuple)) and len(argument) == 2 else {}
    right = isinstance(argument, str) or (isinstance(argument, (list, tuple)) and len(argument) == 2)
    if not right or not isinstance(text, str) or not isinstance(own, Mapping):
        raise TemplateError(
            "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
            "string as first argument, and an optional second argument to specify a mapping of values to replace in "
            "the string"
        )
    for literal, name in SUBSTITUTION.findall(text):
        if not literal and not _VARIABLE.fullmatch(name):
            raise TemplateError(
                "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, "
                "underscores, periods, and colons"
            )


def check_references(template: Template) -> None:
    """Every name that is referred to exists, and no condition needs itself. A parameter may not have a resource's
    name. Raises TemplateError."""
    both = sorted(set(template.parameters) & set(template.resources))
    if both:
        raise TemplateError(f"Template format error: Duplicate name {both[0]} in Parameters and Resources")
    missing: list[str] = []
    for resource in template.resources.values():
        missing += [
            target
            for target in references(resource.properties)
            if target not in template.resources and target not in template.parameters
        ]
        missing += [target for target in resource.depends_on if target not in template.resources]
        own = [resource.condition] if resource.condition else []
        _conditions_exist(template, (*conditions_in(resource.properties), *own))
    if missing:
        raise _unresolved(", ".join(dict.fromkeys(missing)), "Resources")
    for output in template.outputs.values():
        for target in (*references(output.value), *references(output.export)):
            if target not in template.resources and target not in template.parameters:
                raise _unresolved(target, "Outputs")
        own = [output.condition] if output.condition else []
        _conditions_exist(template, (*conditions_in(output.value), *conditions_in(output.export), *own))
    _check_conditions(template)
    for rule in template.rules.values():
        for target in references([rule.condition, *(body for body, _ in rule.assertions)]):
            if target not in template.parameters:
                raise _unresolved(target, "Rules")


def _check_conditions(template: Template) -> None:
    after = {}
    for name, body in template.conditions.items():
        used = frozenset(conditions_of_condition(body))
        _conditions_exist(template, used)
        after[name] = used
        for target in references(body):
            if target not in template.parameters:
                raise _unresolved(target, "Conditions")
    try:
        in_order(after)
    except TemplateError as error:
        raise TemplateError(str(error).replace("between resources", "between conditions")) from None


def _unresolved(names: str, block: str) -> TemplateError:
    return TemplateError(
        f"Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template"
    )


def _conditions_exist(template: Template, names: Any) -> None:
    for name in names:
        if name not in template.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
