"""What a change set would do, resource by resource, before anything is done.

Source: CloudFormation API reference, ResourceChange, ResourceChangeDetail and ResourceTargetDefinition; "Example change
sets" of the User Guide. A value that only an apply can tell is shown as "{{changeSet:KNOWN_AFTER_APPLY}}", and what
depends on it is Dynamic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.decisions import Decision, Difference, decide, value_at
from csoc.emulator.cloudformation.engine.work import STACK_TYPE, place_of
from csoc.emulator.cloudformation.outside import Outside
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.scopes import hiding, scope_of
from csoc.emulator.cloudformation.stack_records import ChangeSet, Stack, StackResource, Stacks
from csoc.emulator.cloudformation.template.functions import HIDDEN, resolve_known
from csoc.emulator.cloudformation.template.model import Resource, Template, TemplateError, text_of
from csoc.emulator.cloudformation.template.references import dependencies, in_order, references_with_kind
from csoc.emulator.cloudformation.template.room import check_together, placed

Change = Mapping[str, Any]
_ATTRIBUTES = (
    ("Metadata", "metadata"),
    ("DeletionPolicy", "deletion_policy"),
    ("UpdateReplacePolicy", "update_replace_policy"),
)


def planned_changes(
    stacks: Stacks, stack: Stack, change_set: ChangeSet, schemas: Schemas, outside: Outside
) -> list[Change]:
    """The changes of a change set, in the order of their dependencies. Raises TemplateError."""
    return _Planning(stacks, stack, change_set, schemas, outside).changes()


class _Planning:
    def __init__(self, stacks: Stacks, stack: Stack, change_set: ChangeSet, schemas: Schemas, outside: Outside) -> None:
        self._stack = stack
        self._wanted = change_set
        self._template: Template = change_set.template
        self._schemas = schemas
        # Resources that are new or may be replaced: what refers to them is only known after an apply.
        self._renewed: set[str] = set()
        self._planned: list[Mapping[str, Any]] = []
        self._scope = scope_of(
            stacks,
            stack,
            outside,
            change_set.identity,
            template=change_set.template,
            parameters=change_set.parameters,
            notifications=change_set.notifications,
            renewed=lambda name: name in self._renewed,
        )
        secret = any(parameter.no_echo for parameter in self._template.parameters.values())
        self._hidden_scope = hiding(self._scope) if secret else self._scope

    def changes(self) -> list[Change]:
        names = frozenset(
            name
            for name, resource in self._template.resources.items()
            if not resource.condition or self._scope.condition(resource.condition)
        )
        wanted = dependencies(self._template, names)
        self._refuse_other_types(names)
        found = []
        for name in in_order(wanted):
            change = self._change(self._template.resources[name])
            if change is not None:
                found.append(change)
        for name, record in self._stack.resources.items():
            if name not in wanted and record.exists:
                found.append(self._removed(record))
        return [{"Type": "Resource", "ResourceChange": change} for change in found]

    def _refuse_other_types(self, names: frozenset[str]) -> None:
        records = self._stack.resources
        other = sorted(
            name
            for name in names
            if name in records and records[name].exists and records[name].type != self._template.resources[name].type
        )
        if other:
            raise TemplateError(
                "Update of resource type is not permitted. The new template modifies resource type of the following "
                f"resources: [{', '.join(other)}]"
            )

    def _change(self, resource: Resource) -> dict[str, Any] | None:
        record = self._stack.resources.get(resource.logical_id)
        after = resolve_known(self._scope, resource.properties, place_of(resource)) or {}
        with placed(place_of(resource)):
            check_together(after, self._planned)
        self._planned.append(after)
        shown = self._shown(resource, after)
        if record is None or not record.exists:
            self._renewed.add(resource.logical_id)
            return {
                "Action": "Add",
                "LogicalResourceId": resource.logical_id,
                "ResourceType": resource.type,
                "Scope": [],
                "Details": [],
                "AfterContext": _context(shown, resource),
            }
        decision = decide(self._schemas, record.type, record.properties, after, record.tags, self._wanted.tags)
        details = self._details(resource, record, decision, shown)
        if not details:
            return None
        if decision.replacement != "False":
            self._renewed.add(resource.logical_id)
        change: dict[str, Any] = {
            "Action": "Modify",
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "Replacement": decision.replacement,
            "Scope": sorted({detail["Target"]["Attribute"] for detail in details}),
            "Details": details,
            "BeforeContext": _context(record.shown, record),
            "AfterContext": _context(shown, resource),
        }
        if decision.replaces:
            change["PolicyAction"] = f"ReplaceAnd{resource.update_replace_policy}"
        return change

    def _removed(self, record: StackResource) -> dict[str, Any]:
        policy = "Retain" if record.deletion_policy == "RetainExceptOnCreate" else record.deletion_policy
        return {
            "Action": "Remove",
            "LogicalResourceId": record.logical_id,
            "PhysicalResourceId": record.physical_id,
            "ResourceType": record.type,
            "PolicyAction": policy,
            "Scope": [],
            "Details": [],
            "BeforeContext": _context(record.shown, record),
        }

    def _shown(self, resource: Resource, after: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._hidden_scope is self._scope:
            return after
        try:
            return resolve_known(self._hidden_scope, resource.properties, place_of(resource)) or {}
        except TemplateError:
            return dict.fromkeys(after, HIDDEN)

    def _details(
        self, resource: Resource, record: StackResource, decision: Decision, shown: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        found = [
            self._detail(
                resource, difference, value_at(record.shown, difference.path), value_at(shown, difference.path)
            )
            for difference in decision.differences
        ]
        if decision.retagged:
            found += self._tag_details(record)
        for attribute, name in _ATTRIBUTES:
            before, after = getattr(record, name), getattr(resource, name)
            if before != after:
                target = _target(attribute, "", f"/{attribute}", "Never", before, after)
                found.append({"Target": target, "ChangeSource": "DirectModification", "Evaluation": "Static"})
        if record.type == STACK_TYPE and not found:
            target = {"Attribute": "Properties", "RequiresRecreation": "Never"}
            found.append({"Target": target, "ChangeSource": "Automatic", "Evaluation": "Dynamic"})
        return found

    def _detail(self, resource: Resource, difference: Difference, before: Any, after: Any) -> dict[str, Any]:
        path = difference.path
        attribute = "Tags" if path[0] == "Tags" else "Properties"
        target = _target(
            attribute,
            "" if attribute == "Tags" else path[0],
            "/Properties/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in path),
            difference.recreation,
            before if before is not None else difference.before,
            after if after is not None else difference.after,
        )
        if difference.before is None:
            target.pop("BeforeValue", None)
            target["AttributeChangeType"] = "Add"
        elif difference.after is None:
            target.pop("AfterValue", None)
            target["AttributeChangeType"] = "Remove"
        return {"Target": target, **self._cause(resource, difference)}

    def _tag_details(self, record: StackResource) -> list[dict[str, Any]]:
        found = []
        for key in sorted({*record.tags, *self._wanted.tags}):
            before, after = record.tags.get(key), self._wanted.tags.get(key)
            if before != after:
                target = _target("Tags", "", f"/Properties/Tags/{key}", "Never", before, after)
                found.append({"Target": target, "ChangeSource": "DirectModification", "Evaluation": "Static"})
        return found

    def _cause(self, resource: Resource, difference: Difference) -> dict[str, Any]:
        """What made a property change: another resource, a parameter, or the template itself."""
        written = _written(resource.properties, difference.path)
        named = list(references_with_kind(written))
        if not difference.known:
            for name, kind in named:
                if name in self._renewed:
                    return {
                        "ChangeSource": "ResourceAttribute" if kind else "ResourceReference",
                        "CausingEntity": self._entity(written, name) if kind else name,
                        "Evaluation": "Dynamic",
                    }
        for name, _ in named:
            if name in self._template.parameters:
                values = self._wanted.parameters.get(name), self._stack.parameters.get(name)
                if values[0] != values[1]:
                    return {"ChangeSource": "ParameterReference", "CausingEntity": name, "Evaluation": "Static"}
        return {
            "ChangeSource": "DirectModification",
            "Evaluation": "Static" if difference.known else "Dynamic",
        }

    @staticmethod
    def _entity(written: Any, name: str) -> str:
        """The attribute that is asked of a resource: "Database.Endpoint.Address"."""
        for resource, attribute in _attributes(written):
            if resource == name:
                return f"{name}.{attribute}"
        return name


def _attributes(value: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if isinstance(value, Mapping):
        asked = value.get("Fn::GetAtt")
        if isinstance(asked, (list, tuple)) and len(asked) == 2 and isinstance(asked[1], str):
            found.append((str(asked[0]), asked[1]))
        elif isinstance(asked, str) and "." in asked:
            resource, _, attribute = asked.partition(".")
            found.append((resource, attribute))
        for inner in value.values():
            found += _attributes(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            found += _attributes(item)
    return found


def _written(properties: Any, path: tuple[str, ...]) -> Any:
    """What the template has at a path, or at the last part of it that is not inside a function."""
    value = properties
    for part in path:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            break
    return value


def _target(attribute: str, name: str, path: str, recreation: str, before: Any, after: Any) -> dict[str, Any]:
    target: dict[str, Any] = {"Attribute": attribute, "Path": path, "RequiresRecreation": recreation}
    if name:
        target["Name"] = name
    target["AttributeChangeType"] = "Add" if before is None else "Remove" if after is None else "Modify"
    if before is not None:
        target["BeforeValue"] = _text(before)
    if after is not None:
        target["AfterValue"] = _text(after)
    return target


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, (Mapping, list)) else text_of(value)


def _context(properties: Mapping[str, Any], of: Resource | StackResource) -> str:
    policies = {"DeletionPolicy": of.deletion_policy, "UpdateReplacePolicy": of.update_replace_policy}
    found: dict[str, Any] = {"Properties": properties}
    found |= {"Metadata": of.metadata} if of.metadata else {}
    found |= {name: policy for name, policy in policies.items() if policy != "Delete"}
    return json.dumps(found, sort_keys=True)


def without_values(change: Change) -> dict[str, Any]:
    """A change as it is told without IncludePropertyValues: a property once for each cause, and one that follows a
    parameter also as the template's own, whose value only the apply evaluates. Source: "Example change sets"."""
    inner = {
        key: value for key, value in change["ResourceChange"].items() if key not in ("BeforeContext", "AfterContext")
    }
    details: list[dict[str, Any]] = []
    for detail in inner["Details"]:
        kept = ("Attribute", "Name", "RequiresRecreation")
        target = {key: value for key, value in detail["Target"].items() if key in kept}
        if target["Attribute"] not in ("Properties", "Tags"):
            target.pop("Name", None)
        found = [{**detail, "Target": target}]
        if detail["ChangeSource"] == "ParameterReference":
            found.append({"Target": target, "ChangeSource": "DirectModification", "Evaluation": "Dynamic"})
        details += [one for one in found if one not in details]
    inner["Details"] = details
    return {**change, "ResourceChange": inner}
