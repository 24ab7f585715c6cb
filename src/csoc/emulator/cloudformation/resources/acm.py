"""Certificates: requested, validated over DNS, issued."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Declared, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Properties, ResourceError
from csoc.emulator.cloudformation.resources.route53 import change_records
from csoc.emulator.cloudformation.resources.translation import as_list, own_tags, user_tags

_TTL = 300


class Certificate(Declared):
    """AWS::CertificateManager::Certificate. It is complete when it is issued: where the template names hosted zones the
    records are made here, and they stay when the certificate goes, as they do at AWS."""

    type_name = "AWS::CertificateManager::Certificate"
    service = "acm"
    create_call, id_path = "request_certificate", "CertificateArn"
    takes = ("DomainName", "KeyAlgorithm", "SubjectAlternativeNames", "ValidationMethod")
    also = ("CertificateTransparencyLoggingPreference", "DomainValidationOptions")
    unread = ("ValidationMethod", "DomainValidationOptions")
    attributes = {"CertificateArn": ""}
    described = Describe("describe_certificate", "CertificateArn", "Certificate", many=False)
    delete_call, delete_member = "delete_certificate", "CertificateArn"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        found = super().parameters(context, properties)
        found["IdempotencyToken"] = re.sub(r"\W", "", context.token)[-32:]
        validated = [
            {"DomainName": option["DomainName"], "ValidationDomain": option["ValidationDomain"]}
            for option in properties.get("DomainValidationOptions") or ()
            if "ValidationDomain" in option
        ]
        logging = properties.get("CertificateTransparencyLoggingPreference")
        found |= {"DomainValidationOptions": validated} if validated else {}
        return found | ({"Options": {"CertificateTransparencyLoggingPreference": logging}} if logging else {})

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        options = properties.get("DomainValidationOptions") or ()
        zones = {option["DomainName"]: option["HostedZoneId"] for option in options if "HostedZoneId" in option}
        if not zones:
            return
        found = self.describe(client, physical_id) or {}
        for option in found.get("DomainValidationOptions", ()):
            record = option.get("ResourceRecord")
            if option["DomainName"] in zones and record:
                wanted = {
                    "Name": record["Name"],
                    "Type": record["Type"],
                    "TTL": _TTL,
                    "ResourceRecords": [{"Value": record["Value"]}],
                }
                change_records(context.clients("route53"), zones[option["DomainName"]], [("UPSERT", wanted)])

    def wanted_tags(self, context: Context, properties: Properties) -> dict[str, str]:
        return user_tags(context, properties)

    def settled(self, context: Context, physical_id: str) -> bool:
        """True once it is issued."""
        found = self.describe(context.clients(self.service), physical_id)
        if found is None:
            raise ResourceError(f"Certificate {physical_id} does not exist", "NotFound")
        if found["Status"] in ("FAILED", "VALIDATION_TIMED_OUT"):
            raise ResourceError(
                f"Certificate {physical_id} was not issued: {found['Status']}. Its validation records have to be in "
                "public hosted zones of the domains",
                "NotStabilized",
            )
        return bool(found["Status"] == "ISSUED")

    def waits_for(self, context: Context, physical_id: str) -> str:
        """The records that somebody must make. Source: AWS::CertificateManager::Certificate, "DNS validation"."""
        found = self.describe(context.clients(self.service), physical_id) or {}
        records = [option.get("ResourceRecord") for option in found.get("DomainValidationOptions", ())]
        wanted = [f"{{Name: {one['Name']},Type: {one['Type']},Value: {one['Value']}}}" for one in records if one]
        return f"Content of DNS Record is: {', '.join(wanted)}" if wanted else ""

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        name = "CertificateTransparencyLoggingPreference"
        if name in left:
            client.update_certificate_options(CertificateArn=physical_id, Options={name: after.get(name, "ENABLED")})
        return {name}

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        if gone:
            given = [{"Key": key} for key in gone]
            client.remove_tags_from_certificate(CertificateArn=physical_id, Tags=given)
        if wanted:
            client.add_tags_to_certificate(CertificateArn=physical_id, Tags=as_list(wanted))

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        return own_tags(client.list_tags_for_certificate(CertificateArn=physical_id))

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        others = [name for name in found.get("SubjectAlternativeNames", ()) if name != found["DomainName"]]
        options = found.get("Options") or {}
        return {
            "KeyAlgorithm": str(found.get("KeyAlgorithm", "")).replace("-", "_") or None,
            "SubjectAlternativeNames": others or None,
            "CertificateTransparencyLoggingPreference": options.get("CertificateTransparencyLoggingPreference"),
        }


HANDLERS: tuple[Handler, ...] = (Certificate(),)
