"""The section Rules: what parameters must be like together, before anything is made.

Source: AWS CloudFormation User Guide, "Rules", "Rule-specific intrinsic functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloudformation.template.functions import Scope, resolve
from csoc.emulator.cloudformation.template.model import Template, TemplateError, text_of
from csoc.emulator.cloudformation.template.references import function_of

AttributeOf = Callable[[str, str, str], str]
"""What an account says of a parameter's value: (type, value, attribute), as Fn::ValueOf asks."""

AllOf = Callable[[str], list[str]]
"""All values of an AWS-specific type that the account has in the region, as Fn::RefAll asks."""


def check_rules(template: Template, scope: Scope, attribute_of: AttributeOf, all_of: AllOf) -> None:
    """Raises TemplateError with the descriptions of the assertions that do not hold."""
    asking = _Asking(scope, attribute_of, all_of)
    for rule in template.rules.values():
        if rule.condition is not None and not asking.truth(rule.condition):
            continue
        failed = [
            description or f"an assertion of the rule {rule.name} does not hold"
            for body, description in rule.assertions
            if not asking.truth(body)
        ]
        if failed:
            raise TemplateError(f"Template validation error: Rule {rule.name}: {'; '.join(failed)}")


class _Asking:
    def __init__(self, scope: Scope, attribute_of: AttributeOf, all_of: AllOf) -> None:
        self._scope = scope
        self._attribute_of = attribute_of
        self._all_of = all_of

    def truth(self, value: Any) -> bool:
        name = function_of(value)
        argument = value[name] if name else None
        many = argument if isinstance(argument, list) else []
        if name == "Fn::Not" and len(many) == 1:
            return not self.truth(many[0])
        if name == "Fn::And" and len(many) > 1:
            return all(self.truth(item) for item in many)
        if name == "Fn::Or" and len(many) > 1:
            return any(self.truth(item) for item in many)
        if len(many) == 2 and name is not None and name in _COMPARISONS:
            left, right = (self._value(item) for item in many)
            return _COMPARISONS[name](left, right)
        raise TemplateError(
            f"Template error: {name or 'a value'} gives neither true nor false, which a rule needs, or has the wrong "
            "number of parameters"
        )

    def _value(self, value: Any) -> Any:
        name = function_of(value)
        argument = value[name] if name else None
        if name == "Fn::RefAll":
            return self._all_of(text_of(argument))
        if name == "Fn::ValueOf" and isinstance(argument, list) and len(argument) == 2:
            return self._values_of(text_of(argument[0]), text_of(argument[1]))
        if name == "Fn::ValueOfAll" and isinstance(argument, list) and len(argument) == 2:
            kind = text_of(argument[0])
            return [self._attribute_of(kind, found, text_of(argument[1])) for found in self._all_of(kind)]
        return resolve(self._scope, value)

    def _values_of(self, name: str, attribute: str) -> Any:
        parameter = self._scope.template.parameters.get(name)
        if parameter is None:
            raise TemplateError(f"Template error: Fn::ValueOf names {name}, which is no parameter")
        value = self._scope.parameters[name]
        if isinstance(value, list):
            return [self._attribute_of(parameter.item_type, item, attribute) for item in value]
        return self._attribute_of(parameter.item_type, value, attribute)


def _list(value: Any) -> list[str]:
    return [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]


def _equals(left: Any, right: Any) -> bool:
    if isinstance(left, (list, Mapping)) or isinstance(right, (list, Mapping)):
        return bool(left == right)
    return text_of(left) == text_of(right)


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Fn::Contains": lambda items, one: set(_list(one)) <= set(_list(items)),
    "Fn::EachMemberEquals": lambda items, one: all(item == text_of(one) for item in _list(items)),
    "Fn::EachMemberIn": lambda items, within: set(_list(items)) <= set(_list(within)),
    "Fn::Equals": _equals,
}
