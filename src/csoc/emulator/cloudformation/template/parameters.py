"""Whether the values of parameters are what their declarations ask for.

Source: AWS CloudFormation User Guide, "Parameters", and the messages of CreateStack. An AllowedPattern is matched in
time linear in the value, since whoever wrote the template chose it; what needs more than that (looking around, back
references) is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloudformation.template.model import Parameter, Template, TemplateError
from csoc.errors import RejectedError
from csoc.fleet.linearregex import Budget, UnsupportedPatternError, compile_pattern

_LONGEST_VALUE_BYTES = 4096


def check_names(template: Template, given: Mapping[str, str]) -> None:
    """Raises TemplateError for values without a parameter, and parameters without a value."""
    unknown = sorted(set(given) - set(template.parameters))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(p.name for p in template.parameters.values() if p.default is None and p.name not in given)
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")


def check_pattern(name: str, pattern: str) -> None:
    """Raises TemplateError for an AllowedPattern that is none, or that the emulator does not match."""
    try:
        compile_pattern(pattern)
    except UnsupportedPatternError as error:
        raise TemplateError(f"The emulator does not offer the AllowedPattern of {name}: {error.cause}") from None
    except RejectedError as error:
        raise TemplateError(
            f"Template format error: AllowedPattern of {name} is not a regular expression: {error.cause}"
        ) from None


def _matches(parameter: Parameter, items: list[str]) -> bool:
    """True if each item as a whole matches the parameter's pattern."""
    pattern, budget = compile_pattern(parameter.allowed_pattern), Budget()
    try:
        return all(pattern.matches(item, budget) for item in items)
    except RejectedError:
        raise TemplateError(
            f"The emulator does not match the AllowedPattern of {parameter.name} any longer: it needs too much time. "
            "Simplify it"
        ) from None


def items_of(parameter: Parameter, text: str) -> list[str]:
    """The values that a text stands for; one for a parameter that is no list."""
    return [item.strip() for item in text.split(",")] if parameter.is_list else [text]


def check_value(parameter: Parameter, text: str) -> None:
    """Raises TemplateError if a value is against the parameter's rules."""
    name, constraint = parameter.name, parameter.constraint
    because = f"Parameter {name} failed to satisfy constraint: {constraint}" if constraint else ""
    items = items_of(parameter, text)
    if len(text.encode()) > _LONGEST_VALUE_BYTES:
        raise TemplateError(f"Parameter '{name}' must contain at most {_LONGEST_VALUE_BYTES} characters")
    if parameter.allowed_values and not set(items) <= set(parameter.allowed_values):
        values = ", ".join(parameter.allowed_values)
        raise TemplateError(because or f"Parameter '{name}' must be one of AllowedValues [{values}]")
    if parameter.allowed_pattern and not _matches(parameter, items):
        raise TemplateError(because or f"Parameter '{name}' must match pattern {parameter.allowed_pattern}")
    if parameter.min_length is not None and len(text) < parameter.min_length:
        raise TemplateError(because or f"Parameter '{name}' must contain at least {parameter.min_length} characters")
    if parameter.max_length is not None and len(text) > parameter.max_length:
        raise TemplateError(because or f"Parameter '{name}' must contain at most {parameter.max_length} characters")
    if parameter.item_type == "Number" and not parameter.from_ssm:
        for item in items:
            _check_number(parameter, item, because)


def _check_number(parameter: Parameter, text: str, because: str) -> None:
    name = parameter.name
    try:
        number = float(text)
    except ValueError:
        raise TemplateError(f"Parameter '{name}' must be a number") from None
    if parameter.min_value is not None and not number >= parameter.min_value:
        raise TemplateError(because or f"Parameter '{name}' must be a number not less than {parameter.min_value:g}")
    if parameter.max_value is not None and not number <= parameter.max_value:
        raise TemplateError(because or f"Parameter '{name}' must be a number not greater than {parameter.max_value:g}")
