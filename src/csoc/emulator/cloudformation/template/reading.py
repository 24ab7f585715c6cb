"""Reads a template body, JSON or YAML with short tags, and refuses what CloudFormation refuses, in its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from csoc.emulator.cloudformation.template.model import Output, Parameter, Resource, Template, TemplateError
from csoc.emulator.cloudformation.template.references import conditions_in, references

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Rules",
        "Transform", "Hooks", "Resources", "Outputs",
    }
)  # fmt: skip
_ATTRIBUTES = frozenset(
    {
        "Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata",
        "CreationPolicy", "UpdatePolicy",
    }
)  # fmt: skip
_DELETION = ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot")
_REPLACE = ("Delete", "Retain", "Snapshot")
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+(::MODULE)?|Custom::[A-Za-z0-9_@-]{1,60}")
_MOST_RESOURCES = 500
_MOST_PARAMETERS = 200
_MOST_OUTPUTS = 200
_PARAMETER_TYPE = re.compile(
    r"String|Number|CommaDelimitedList|List<Number>|"
    r"(List<)?AWS::(EC2|Route53|SSM)::[A-Za-z0-9:]+(\.Id|\.KeyName|\.Name|::Id|::KeyName|::Name)?>?|"
    r"AWS::SSM::Parameter::Value<(String|CommaDelimitedList|List<[A-Za-z0-9:]+>|AWS::[A-Za-z0-9:]+)>"
)


class _Loader(yaml.CSafeLoader):
    """YAML as CloudFormation takes it: dates stay texts, keys stand once, short tags are functions."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(loader.construct_object(key_node, deep=True))
        if key in found:
            raise TemplateError(f"Template format error: JSON not well-formed. Duplicate key {key}")
        found[key] = loader.construct_object(value_node, deep=True)
    return found


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping(loader, node)  # type: ignore[arg-type]
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_multi_constructor("!", _tagged)


def read_template(text: str) -> Template:
    """Raises TemplateError with AWS's message."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a safe loader with our tags
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise TemplateError(f"Template format error: YAML not well-formed.{where}") from None
    except RecursionError:
        raise TemplateError("Template format error: the template is nested too deeply") from None
    if not isinstance(data, Mapping):
        raise TemplateError("Template format error: unsupported structure.")
    unknown = sorted(set(data) - _SECTIONS)
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = _section(data, "Resources")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    _at_most(resources, _MOST_RESOURCES, "resources")
    _at_most(_section(data, "Parameters"), _MOST_PARAMETERS, "parameters")
    _at_most(_section(data, "Outputs"), _MOST_OUTPUTS, "outputs")
    transforms = data.get("Transform", ())
    template = Template(
        text,
        str(data.get("Description", "")),
        {name: _parameter(name, body) for name, body in _section(data, "Parameters").items()},
        _section(data, "Mappings"),
        _section(data, "Conditions"),
        {name: _resource(name, body) for name, body in resources.items()},
        {name: _output(name, body) for name, body in _section(data, "Outputs").items()},
        _section(data, "Metadata"),
        (transforms,) if isinstance(transforms, str) else tuple(transforms),
    )
    if template.transforms:
        raise TemplateError(f"The emulator runs no transforms ({', '.join(map(str, template.transforms))})")
    _check_references(template)
    return template


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = data.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise TemplateError(f"Template format error: [/{name}] map expected")
    return section


def _at_most(section: Mapping[str, Any], most: int, what: str) -> None:
    if len(section) > most:
        raise TemplateError(
            f"Template format error: Number of {what}, {len(section)}, is greater than maximum allowed, {most}"
        )


def _parameter(name: str, body: Any) -> Parameter:
    if not isinstance(body, Mapping) or "Type" not in body:
        raise TemplateError(f"Template format error: Every Parameters object must contain a Type member. ({name})")
    kind = str(body["Type"])
    if not _PARAMETER_TYPE.fullmatch(kind):
        raise TemplateError(f"Template format error: Unrecognized parameter type: {kind}")
    default = body.get("Default")
    pattern = str(body.get("AllowedPattern", ""))
    try:
        re.compile(pattern)
    except re.error:
        raise TemplateError(f"Template format error: AllowedPattern of {name} is not a regular expression") from None
    return Parameter(
        name,
        kind,
        None if default is None else text_of(default),
        text_of(body.get("NoEcho", "false")) == "true",
        tuple(text_of(value) for value in body.get("AllowedValues", ())),
        pattern,
        str(body.get("ConstraintDescription", "")),
        _number(body, "MinLength", int),
        _number(body, "MaxLength", int),
        _number(body, "MinValue", float),
        _number(body, "MaxValue", float),
        str(body.get("Description", "")),
    )


def _number(body: Mapping[str, Any], name: str, kind: Any) -> Any:
    return kind(body[name]) if name in body else None


def _resource(name: str, body: Any) -> Resource:
    if not _LOGICAL_ID.fullmatch(name):
        raise TemplateError(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(body, Mapping):
        raise TemplateError(f"Template format error: [/Resources/{name}] resource definition is malformed")
    unknown = sorted(set(body) - _ATTRIBUTES)
    if unknown:
        raise TemplateError(f"Invalid template resource property '{unknown[0]}' for resource {name}")
    kind = body.get("Type")
    if not isinstance(kind, str):
        raise TemplateError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    if not _TYPE.fullmatch(kind):
        raise TemplateError(f"Template format error: Unrecognized resource types: [{kind}]")
    properties = body.get("Properties", {})
    if not isinstance(properties, Mapping):
        raise TemplateError(f"Template format error: [/Resources/{name}/Properties] map expected")
    depends = body.get("DependsOn", ())
    return Resource(
        name,
        kind,
        properties,
        str(body.get("Condition", "")),
        (depends,) if isinstance(depends, str) else tuple(depends),
        _policy(name, body, "DeletionPolicy", _DELETION),
        _policy(name, body, "UpdateReplacePolicy", _REPLACE),
        body.get("Metadata", {}),
        body.get("CreationPolicy", {}),
        body.get("UpdatePolicy", {}),
    )


def _policy(name: str, body: Mapping[str, Any], attribute: str, allowed: tuple[str, ...]) -> str:
    value = body.get(attribute, "Delete")
    if value not in allowed:
        raise TemplateError(f"Template format error: Unrecognized {attribute} {value} for resource {name}")
    return str(value)


def _output(name: str, body: Any) -> Output:
    if not isinstance(body, Mapping) or "Value" not in body:
        raise TemplateError(
            f"Template format error: Output {name} is malformed. Every Outputs member must contain a Value object"
        )
    export = body.get("Export")
    if export is not None and (not isinstance(export, Mapping) or "Name" not in export):
        raise TemplateError(f"Template format error: Output {name} is malformed. Export must contain a Name")
    return Output(
        name,
        body["Value"],
        str(body.get("Description", "")),
        export["Name"] if export else None,
        str(body.get("Condition", "")),
    )


def _check_references(template: Template) -> None:
    """Every name that is referred to exists. A parameter may not have a resource's name."""
    both = sorted(set(template.parameters) & set(template.resources))
    if both:
        raise TemplateError(f"Template format error: Duplicate name {both[0]} in Parameters and Resources")
    missing: list[str] = []
    for resource in template.resources.values():
        for target in (*references(resource.properties), *resource.depends_on):
            known = target in template.resources or (
                target in template.parameters and target not in resource.depends_on
            )
            if not known:
                missing.append(target)
        used = (*conditions_in(resource.properties), *([resource.condition] if resource.condition else []))
        _conditions_exist(template, used)
    if missing:
        raise _unresolved(", ".join(dict.fromkeys(missing)), "Resources")
    for output in template.outputs.values():
        for target in (*references(output.value), *references(output.export)):
            if target not in template.resources and target not in template.parameters:
                raise _unresolved(target, "Outputs")
        _conditions_exist(template, (*conditions_in(output.value), *([output.condition] if output.condition else [])))
    for body in template.conditions.values():
        _conditions_exist(template, conditions_in(body))
        for target in references(body):
            if target not in template.parameters:
                raise _unresolved(target, "Conditions")


def _unresolved(names: str, block: str) -> TemplateError:
    return TemplateError(
        f"Template format error: Unresolved resource dependencies [{names}] in the {block} block of the template"
    )


def _conditions_exist(template: Template, names: Any) -> None:
    for name in names:
        if name not in template.conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")


def text_of(value: Any) -> str:
    """A scalar as CloudFormation sees it: everything is text, booleans in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
