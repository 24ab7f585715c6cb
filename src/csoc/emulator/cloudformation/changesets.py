"""What a change set would do, resource by resource, before anything is done.

Source: CloudFormation API reference, ResourceChange and ResourceChangeDetail; "Example change sets" of the User Guide.
A value that only an apply can tell is shown as "{{changeSet:KNOWN_AFTER_APPLY}}", and what depends on it is Dynamic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.policies import HIDDEN
from csoc.emulator.cloudformation.schemas import Schemas, changed_paths
from csoc.emulator.cloudformation.scopes import Outside, scope_of
from csoc.emulator.cloudformation.stacks import ChangeSet, Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import UNKNOWN, resolve_known
from csoc.emulator.cloudformation.template.model import Resource
from csoc.emulator.cloudformation.template.reading import text_of
from csoc.emulator.cloudformation.template.references import dependencies, references

Change = Mapping[str, Any]


def planned_changes(
    stacks: Stacks, stack: Stack, change_set: ChangeSet, schemas: Schemas, outside: Outside
) -> list[Change]:
    """The changes of a change set, in the order of their dependencies. Raises TemplateError."""
    return _Planning(stacks, stack, change_set, schemas, outside).changes()


class _Planning:
    def __init__(self, stacks: Stacks, stack: Stack, change_set: ChangeSet, schemas: Schemas, outside: Outside) -> None:
        self._stack = stack
        self._wanted = change_set
        self._schemas = schemas
        self._renewed: set[str] = set()
        self._scope = scope_of(
            stacks,
            stack,
            outside,
            change_set.identity,
            template=change_set.template,
            parameters=change_set.parameters,
            renewed=lambda name: name in self._renewed,
        )

    def changes(self) -> list[Change]:
        template = self._wanted.template
        wanted = dependencies(
            template,
            frozenset(
                name
                for name, resource in template.resources.items()
                if not resource.condition or self._scope.condition(resource.condition)
            ),
        )
        found = []
        for name in _in_order(wanted):
            change = self._change(template.resources[name])
            if change is not None:
                found.append(change)
        for name, record in self._stack.resources.items():
            if name not in wanted and record.exists:
                found.append(self._removed(record))
        return [{"Type": "Resource", "ResourceChange": change} for change in found]

    def _change(self, resource: Resource) -> dict[str, Any] | None:
        record = self._stack.resources.get(resource.logical_id)
        after = resolve_known(self._scope, resource.properties) or {}
        if record is None or not record.exists:
            self._renewed.add(resource.logical_id)
            return {
                "Action": "Add",
                "LogicalResourceId": resource.logical_id,
                "ResourceType": resource.type,
                "Scope": [],
                "Details": [],
                "AfterContext": self._context(after),
            }
        if resource.type != record.type:
            return self._replaced_type(resource, record, after)
        details = self._details(resource, record, after)
        if not details:
            return None
        replacement = _replacement(details)
        if replacement != "False":
            self._renewed.add(resource.logical_id)
        change: dict[str, Any] = {
            "Action": "Modify",
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "Replacement": replacement,
            "Scope": sorted({detail["Target"]["Attribute"] for detail in details}),
            "Details": details,
            "BeforeContext": self._context(record.properties),
            "AfterContext": self._context(after),
        }
        if replacement == "True":
            change["PolicyAction"] = _policy_action("ReplaceAnd", resource.update_replace_policy)
        return change

    def _replaced_type(self, resource: Resource, record: StackResource, after: Mapping[str, Any]) -> dict[str, Any]:
        self._renewed.add(resource.logical_id)
        return {
            "Action": "Modify",
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": resource.type,
            "Replacement": "True",
            "PolicyAction": _policy_action("ReplaceAnd", resource.update_replace_policy),
            "Scope": ["Properties"],
            "Details": [],
            "BeforeContext": self._context(record.properties),
            "AfterContext": self._context(after),
        }

    def _removed(self, record: StackResource) -> dict[str, Any]:
        return {
            "Action": "Remove",
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "PolicyAction": _policy_action("", record.deletion_policy),
            "Scope": [],
            "Details": [],
            "BeforeContext": self._context(record.properties),
        }

    def _details(self, resource: Resource, record: StackResource, after: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = []
        for path in changed_paths(record.properties, after):
            target: dict[str, Any] = {
                "Attribute": "Tags" if path[0] == "Tags" else "Properties",
                "Name": path[0],
                "Path": "/Properties/" + "/".join(path),
                "RequiresRecreation": self._schemas.required_recreation(record.type, path),
            }
            old, new = _at(record.properties, path), _at(after, path)
            target["AttributeChangeType"] = "Add" if old is None else "Remove" if new is None else "Modify"
            if old is not None:
                target["BeforeValue"] = self._shown(old)
            if new is not None:
                target["AfterValue"] = self._shown(new)
            found.append({"Target": target, **self._cause(resource, path, new)})
        return found

    def _cause(self, resource: Resource, path: tuple[str, ...], new: Any) -> dict[str, Any]:
        written = resource.properties.get(path[0])
        names = list(references(written))
        parameters = [name for name in names if name in self._wanted.template.parameters]
        resources = [name for name in names if name in self._wanted.template.resources]
        if UNKNOWN in json.dumps(new) and resources:
            return {"ChangeSource": "ResourceReference", "CausingEntity": resources[0], "Evaluation": "Dynamic"}
        changed = [name for name in parameters if self._wanted.parameters.get(name) != self._stack.parameters.get(name)]
        if changed:
            return {"ChangeSource": "ParameterReference", "CausingEntity": changed[0], "Evaluation": "Static"}
        return {"ChangeSource": "DirectModification", "Evaluation": "Static"}

    def _context(self, properties: Mapping[str, Any]) -> str:
        return self._hidden(json.dumps({"Properties": properties}, sort_keys=True))

    def _shown(self, value: Any) -> str:
        return self._hidden(
            text_of(value) if not isinstance(value, (dict, list)) else json.dumps(value, sort_keys=True)
        )

    def _hidden(self, text: str) -> str:
        for parameter in self._wanted.template.parameters.values():
            for value in (self._wanted.parameters.get(parameter.name), self._stack.parameters.get(parameter.name)):
                if parameter.no_echo and isinstance(value, str) and value:
                    text = text.replace(value, HIDDEN)
        return text


def _in_order(wanted: Mapping[str, frozenset[str]]) -> list[str]:
    done: list[str] = []
    left = dict(wanted)
    while left:
        ready = sorted(name for name, after in left.items() if after <= set(done))
        done += ready
        for name in ready:
            del left[name]
    return done


def _replacement(details: list[dict[str, Any]]) -> str:
    """True if a static change always replaces, Conditional if only a dynamic one would or the service decides."""
    needs = [(detail["Target"]["RequiresRecreation"], detail["Evaluation"]) for detail in details]
    if ("Always", "Static") in needs:
        return "True"
    if any(recreation != "Never" for recreation, _ in needs):
        return "Conditional"
    return "False"


def _policy_action(prefix: str, policy: str) -> str:
    return prefix + ("Retain" if policy == "RetainExceptOnCreate" else policy)


def _at(properties: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if isinstance(properties, list):
            properties = properties[int(part)] if int(part) < len(properties) else None
        elif isinstance(properties, Mapping):
            properties = properties.get(part)
        else:
            return None
    return properties
