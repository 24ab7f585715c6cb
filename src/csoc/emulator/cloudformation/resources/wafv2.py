"""Web ACLs: what they are made of, what they protect, where they log."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Properties
from csoc.emulator.cloudformation.resources.translation import as_list, at_path, call, own_tags, unless_gone


class _Waf(Declared):
    """Something with a name, an id, a scope and a lock token; all of it is changed at once.

    what: in names of calls. member: of answers. ref: "name|id|scope".
    """

    service = "wafv2"
    what: ClassVar[str]
    member: ClassVar[str]
    fixed: ClassVar[tuple[str, ...]] = ("Name", "Scope")

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given = {"Name": context.name, **self.parameters(context, properties)}
        tags = self.tag_parameters(context, properties)
        summary = call(client, f"create_{self.what}", {**given, **tags})["Summary"]
        return f"{summary['Name']}|{summary['Id']}|{given['Scope']}"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {name: _asked(value) for name, value in super().parameters(context, properties).items()}

    def _answer(self, client: Any, physical_id: str) -> Any:
        return unless_gone(lambda: getattr(client, f"get_{self.what}")(**_key(physical_id)))

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = at_path(self._answer(client, physical_id), self.member)
        return None if found is None else {**found, "Scope": physical_id.rsplit("|", 1)[-1]}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        changed = left - {"Tags"}
        if changed:
            given = {name: value for name, value in self.parameters(context, after).items() if name not in self.fixed}
            token = self._answer(client, physical_id)["LockToken"]
            call(client, f"update_{self.what}", {**given, **_key(physical_id), "LockToken": token})
        return set(changed)

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        arn = (self.describe(client, physical_id) or {})["ARN"]
        if gone:
            client.untag_resource(ResourceARN=arn, TagKeys=gone)
        if wanted:
            client.tag_resource(ResourceARN=arn, Tags=as_list(wanted))

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        told = client.list_tags_for_resource(ResourceARN=found["ARN"])
        return own_tags(told["TagInfoForResource"], "TagList")

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        answer = self._answer(client, physical_id)
        if answer is not None:
            delete = getattr(client, f"delete_{self.what}")
            unless_gone(lambda: delete(**_key(physical_id), LockToken=answer["LockToken"]))


def _key(physical_id: str) -> dict[str, str]:
    return dict(zip(("Name", "Id", "Scope"), physical_id.split("|"), strict=True))


def _asked(value: Any) -> Any:
    """A rule as the API takes it: it has one member for search strings, which holds bytes."""
    if isinstance(value, Mapping):
        found = {key: _asked(inner) for key, inner in value.items()}
        if "SearchStringBase64" in found:
            found["SearchString"] = base64.b64decode(found.pop("SearchStringBase64"))
        return found
    return [_asked(item) for item in value] if isinstance(value, list) else value


class WebAcl(_Waf):
    """AWS::WAFv2::WebACL."""

    type_name = "AWS::WAFv2::WebACL"
    what, member = "web_acl", "WebACL"
    takes = (
        "AssociationConfig", "CaptchaConfig", "ChallengeConfig", "CustomResponseBodies", "DefaultAction", "Description",
        "Name", "Rules", "Scope", "TokenDomains", "VisibilityConfig",
    )  # fmt: skip
    attributes = {"Arn": "ARN", "Capacity": "Capacity", "Id": "Id", "LabelNamespace": "LabelNamespace"}

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"LabelNamespace": _labels(found, "webacl")}


def _labels(found: Mapping[str, Any], kind: str) -> str:
    account = found["ARN"].split(":")[4]
    return str(found.get("LabelNamespace") or f"awswaf:{account}:{kind}:{found['Name']}:")


class RuleGroup(_Waf):
    """AWS::WAFv2::RuleGroup. Its capacity never changes."""

    type_name = "AWS::WAFv2::RuleGroup"
    what, member = "rule_group", "RuleGroup"
    fixed = ("Name", "Scope", "Capacity")
    takes = ("Capacity", "CustomResponseBodies", "Description", "Name", "Rules", "Scope", "VisibilityConfig")
    attributes = {"Arn": "ARN", "Id": "Id", "LabelNamespace": "LabelNamespace"}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        return super().alter(context, client, physical_id, before, after, left - {"Capacity"})

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"LabelNamespace": _labels(found, "rulegroup")}


class IpSet(_Waf):
    """AWS::WAFv2::IPSet."""

    type_name = "AWS::WAFv2::IPSet"
    what, member = "ip_set", "IPSet"
    fixed = ("Name", "Scope", "IPAddressVersion")
    takes = ("Addresses", "Description", "IPAddressVersion", "Name", "Scope")
    attributes = {"Arn": "ARN", "Id": "Id"}

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        return super().alter(context, client, physical_id, before, after, left - {"IPAddressVersion"})


class RegexPatternSet(_Waf):
    """AWS::WAFv2::RegexPatternSet."""

    type_name = "AWS::WAFv2::RegexPatternSet"
    what, member = "regex_pattern_set", "RegexPatternSet"
    takes = ("Description", "Name", "RegularExpressionList", "Scope")
    attributes = {"Arn": "ARN", "Id": "Id"}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = super().parameters(context, properties)
        found["RegularExpressionList"] = [{"RegexString": one} for one in properties["RegularExpressionList"]]
        return found

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"RegularExpressionList": [one["RegexString"] for one in found.get("RegularExpressionList", ())]}


class WebAclAssociation(Declared):
    """AWS::WAFv2::WebACLAssociation."""

    type_name = "AWS::WAFv2::WebACLAssociation"
    service = "wafv2"
    also = ("ResourceArn", "WebACLArn")
    tags = ""

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        client.associate_web_acl(WebACLArn=properties["WebACLArn"], ResourceArn=properties["ResourceArn"])
        return f"{properties['ResourceArn']}|{properties['WebACLArn']}"

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        resource, _, acl = physical_id.partition("|")
        answer = unless_gone(lambda: client.get_web_acl_for_resource(ResourceArn=resource))
        return {"ResourceArn": resource, "WebACLArn": acl} if at_path(answer, "WebACL.ARN") == acl else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.disassociate_web_acl(ResourceArn=physical_id.partition("|")[0]))


class LoggingConfiguration(Declared):
    """AWS::WAFv2::LoggingConfiguration. Ref gives the web ACL's ARN."""

    type_name = "AWS::WAFv2::LoggingConfiguration"
    service = "wafv2"
    takes = ("LogDestinationConfigs", "LoggingFilter", "RedactedFields", "ResourceArn")
    tags = ""
    attributes = {"ManagedByFirewallManager": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        call(client, "put_logging_configuration", {"LoggingConfiguration": self.parameters(context, properties)})
        return str(properties["ResourceArn"])

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        self.make(context, client, after)
        return set(left)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        answer = unless_gone(lambda: client.get_logging_configuration(ResourceArn=physical_id))
        found: Mapping[str, Any] | None = at_path(answer, "LoggingConfiguration")
        return found

    def more_attributes(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ManagedByFirewallManager": bool(found.get("ManagedByFirewallManager", False))}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        unless_gone(lambda: client.delete_logging_configuration(ResourceArn=physical_id))


HANDLERS: tuple[Handler, ...] = (
    WebAcl(),
    RuleGroup(),
    IpSet(),
    RegexPatternSet(),
    WebAclAssociation(),
    LoggingConfiguration(),
)
