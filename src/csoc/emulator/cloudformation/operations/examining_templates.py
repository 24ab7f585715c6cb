"""Operations about templates: what one holds, whether it is right, which one a stack has.

Source: CloudFormation API reference, GetTemplate, GetTemplateSummary, ValidateTemplate.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud.calls import Answer, AwsError, Call, Operation
from csoc.emulator.cloudformation.operations.answers import filled
from csoc.emulator.cloudformation.operations.change_sets import change_set_named
from csoc.emulator.cloudformation.operations.requests import Requests
from csoc.emulator.cloudformation.schemas import Schemas
from csoc.emulator.cloudformation.stack_records import Stacks
from csoc.emulator.cloudformation.template.model import Template, capabilities_needed, capabilities_reason


class TemplateOperations:
    """GetTemplate, GetTemplateSummary, ValidateTemplate. stacks_of: the stacks of a call's account and region."""

    def __init__(self, requests: Requests, schemas: Schemas, stacks_of: Callable[[Call], Stacks]) -> None:
        self._requests = requests
        self._schemas = schemas
        self._stacks_of = stacks_of

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ValidateTemplate": self._validate_template,
        }

    def _get_template(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            if asked.get("ChangeSetName"):
                found = change_set_named(stacks, asked["ChangeSetName"], asked.get("StackName", ""))
                template: Template | None = found.template
            else:
                template = stacks.named(asked.get("StackName", "")).template
            if template is None:
                return {"StagesAvailable": []}
            return {"TemplateBody": template.text, "StagesAvailable": ["Original", "Processed"]}

    def _get_template_summary(self, call: Call) -> Answer:
        stacks, asked = self._stacks_of(call), call.parameters
        with stacks.lock:
            given = [name for name in ("TemplateBody", "TemplateURL", "StackName", "StackSetName") if asked.get(name)]
            if len(given) != 1 or given == ["StackSetName"]:
                raise AwsError(
                    "ValidationError",
                    "Specify exactly one of TemplateBody, TemplateURL and StackName; the emulator has no stack sets",
                    400,
                )
            if asked.get("StackName"):
                template = stacks.named(asked["StackName"]).template
                if template is None:
                    raise AwsError("ValidationError", f"Stack {asked['StackName']} has no template yet", 400)
            else:
                template = self._requests.template(call, None)
        members = filled(
            {
                "Description": template.description,
                "CapabilitiesReason": capabilities_reason(template),
                "Version": template.version,
                "Metadata": json.dumps(template.metadata) if template.metadata else "",
            }
        )
        return members | {
            "Parameters": [_declaration(parameter) for parameter in template.parameters.values()],
            "Capabilities": list(capabilities_needed(template)),
            "ResourceTypes": sorted({resource.type for resource in template.resources.values()}),
            "DeclaredTransforms": [],
            "ResourceIdentifierSummaries": self._identifiers(template),
        }

    def _identifiers(self, template: Template) -> list[dict[str, Any]]:
        by_type: dict[str, list[str]] = {}
        for resource in template.resources.values():
            by_type.setdefault(resource.type, []).append(resource.logical_id)
        return [
            {
                "ResourceType": kind,
                "LogicalResourceIds": names,
                "ResourceIdentifiers": list(self._schemas.identifiers(kind)),
            }
            for kind, names in sorted(by_type.items())
            if self._schemas.identifiers(kind)
        ]

    def _validate_template(self, call: Call) -> Answer:
        template = self._requests.template(call, None)
        parameters = []
        for parameter in template.parameters.values():
            declared = _declaration(parameter)
            kept = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
            parameters.append({name: declared[name] for name in kept if name in declared})
        members = filled({"Description": template.description, "CapabilitiesReason": capabilities_reason(template)})
        return members | {
            "Parameters": parameters,
            "Capabilities": list(capabilities_needed(template)),
            "DeclaredTransforms": [],
        }


def _declaration(parameter: Any) -> dict[str, Any]:
    members = filled({"Description": parameter.description})
    if parameter.default is not None:
        members["DefaultValue"] = parameter.default
    return members | {
        "ParameterKey": parameter.name,
        "ParameterType": parameter.type,
        "NoEcho": parameter.no_echo,
        "ParameterConstraints": {"AllowedValues": list(parameter.allowed_values)} if parameter.allowed_values else {},
    }
