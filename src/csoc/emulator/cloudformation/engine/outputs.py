"""What a stack gives to others once its resources are there: outputs and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from csoc.emulator.cloudformation.engine.work import Work, internal_failure, template_of
from csoc.emulator.cloudformation.stack_records import Stack, Stacks
from csoc.emulator.cloudformation.template.functions import NotKnownYetError, Scope, resolve
from csoc.emulator.cloudformation.template.model import TemplateError, text_of
from csoc.emulator.cloudformation.template.room import Room


def finish_outputs(work: Work, stacks: Stacks, stack: Stack) -> str:
    """Sets outputs and imports; the reason why that is not possible, "" if it is."""
    imported: set[str] = set()
    try:
        outputs = _outputs(stack, work.scope(stacks, stack, imported))
    except (TemplateError, NotKnownYetError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - see internal_failure
        return str(internal_failure(stack, error))
    reason = _taken(stacks, stack, outputs) or _in_use(stacks, stack, outputs)
    if reason:
        return reason
    wanted = template_of(stack).resources
    for name, record in stack.resources.items():
        if name in wanted and record.exists:
            imported |= record.imports
    stack.outputs, stack.imports = list(outputs), frozenset(imported)
    return ""


def _outputs(stack: Stack, scope: Scope) -> list[Mapping[str, str]]:
    outputs: list[Mapping[str, str]] = []
    room = Room()
    for output in scope.template.outputs.values():
        if output.condition and not scope.condition(output.condition):
            continue
        value = resolve(scope, output.value, f"Outputs/{output.name}/Value", room)
        if value is None or isinstance(value, (list, Mapping)):
            raise TemplateError(f"Template format error: Output {output.name} of {stack.name} must be a string")
        found = {"OutputKey": output.name, "OutputValue": text_of(value)}
        if output.description:
            found["Description"] = output.description
        if output.export is not None:
            found["ExportName"] = text_of(resolve(scope, output.export, f"Outputs/{output.name}/Export/Name", room))
        outputs.append(found)
    return outputs


def _taken(stacks: Stacks, stack: Stack, outputs: Sequence[Mapping[str, str]]) -> str:
    others = {name: owner for name, (_, owner) in stacks.exports().items() if owner is not stack}
    mine: set[str] = set()
    for found in outputs:
        name = found.get("ExportName", "")
        if name in others:
            return f"Export with name {name} is already exported by stack {others[name].name}. Rollback requested."
        if name and name in mine:
            return f"Duplicate export with name {name} was found. Only unique export names are allowed."
        mine.add(name)
    return ""


def _in_use(stacks: Stacks, stack: Stack, outputs: Sequence[Mapping[str, str]]) -> str:
    values = {found["ExportName"]: found["OutputValue"] for found in outputs if "ExportName" in found}
    for old in stack.outputs:
        name = old.get("ExportName", "")
        users = [user for user in stacks.importers(name) if user is not stack] if name else []
        if users and values.get(name) != old["OutputValue"]:
            verb = "updated" if name in values else "deleted"
            return f"Export {name} cannot be {verb} as it is in use by {' and '.join(user.name for user in users)}"
    return ""
