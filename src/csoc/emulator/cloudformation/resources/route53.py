"""Hosted zones, their records, and health checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Declared, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Handler, Made, Properties, ResourceError
from csoc.emulator.cloudformation.resources.translation import (
    all_tags,
    as_list,
    at_path,
    call,
    own_tags,
    shaped,
    told,
    unless_gone,
)


class _Tagged(Declared):
    """What Route 53 tags by kind and id. Its tags are not in the create calls."""

    service = "route53"
    kind: str

    def tag_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {}

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        self.retag(client, physical_id, [], all_tags(context, properties, self.tags))

    def retag(self, client: Any, physical_id: str, gone: list[str], wanted: Mapping[str, str]) -> None:
        asked = {"AddTags": as_list(wanted), "RemoveTagKeys": gone}
        asked = {name: value for name, value in asked.items() if value}
        if asked:
            client.change_tags_for_resource(ResourceType=self.kind, ResourceId=physical_id, **asked)

    def live_tags(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> dict[str, str]:
        answer = client.list_tags_for_resource(ResourceType=self.kind, ResourceId=physical_id)
        return own_tags(answer["ResourceTagSet"])


class HostedZone(_Tagged):
    """AWS::Route53::HostedZone. One with VPCs is private. It is only deleted when its records are gone."""

    type_name = "AWS::Route53::HostedZone"
    kind, tags = "hostedzone", "HostedZoneTags"
    also = ("HostedZoneConfig", "Name", "QueryLoggingConfig", "VPCs")
    attributes = {"Id": "", "NameServers": "DelegationSet.NameServers"}
    described = Describe("get_hosted_zone", "Id", "", many=False)
    delete_call, delete_member = "delete_hosted_zone", "Id"

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        given: dict[str, Any] = {"Name": properties["Name"], "CallerReference": context.token}
        comment, vpcs = at_path(properties, "HostedZoneConfig.Comment"), properties.get("VPCs") or []
        if comment or vpcs:
            given["HostedZoneConfig"] = {"Comment": comment or "", "PrivateZone": bool(vpcs)}
        if vpcs:
            given["VPC"] = vpcs[0]
        return str(call(client, "create_hosted_zone", given)["HostedZone"]["Id"]).removeprefix("/hostedzone/")

    def finish(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        super().finish(context, client, physical_id, properties)
        for vpc in (properties.get("VPCs") or [])[1:]:
            call(client, "associate_vpc_with_hosted_zone", {"HostedZoneId": physical_id, "VPC": vpc})
        self._log(client, physical_id, properties)

    @staticmethod
    def _log(client: Any, physical_id: str, properties: Properties) -> None:
        group = at_path(properties, "QueryLoggingConfig.CloudWatchLogsLogGroupArn")
        if group:
            client.create_query_logging_config(HostedZoneId=physical_id, CloudWatchLogsLogGroupArn=group)

    @staticmethod
    def _logs(client: Any, physical_id: str) -> list[Mapping[str, Any]]:
        found = client.list_query_logging_configs()["QueryLoggingConfigs"]
        return [one for one in found if one["HostedZoneId"] == physical_id]

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        if "HostedZoneConfig" in left:
            comment = at_path(after, "HostedZoneConfig.Comment") or ""
            client.update_hosted_zone_comment(Id=physical_id, Comment=comment)
        if "VPCs" in left:
            old, new = before.get("VPCs") or [], after.get("VPCs") or []
            if bool(old) != bool(new):
                raise ResourceError("A private hosted zone cannot become a public one, nor the reverse", "NotUpdatable")
            for vpc in (one for one in new if one not in old):
                call(client, "associate_vpc_with_hosted_zone", {"HostedZoneId": physical_id, "VPC": vpc})
            for vpc in (one for one in old if one not in new):
                call(client, "disassociate_vpc_from_hosted_zone", {"HostedZoneId": physical_id, "VPC": vpc})
        if "QueryLoggingConfig" in left:
            for one in self._logs(client, physical_id):
                client.delete_query_logging_config(Id=one["Id"])
            self._log(client, physical_id, after)
        return {"HostedZoneConfig", "VPCs", "QueryLoggingConfig"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        zone = found["HostedZone"]
        comment = at_path(zone, "Config.Comment")
        return {
            "Name": zone["Name"],
            "HostedZoneConfig": {"Comment": comment} if comment else None,
            "VPCs": found.get("VPCs") or None,
            "QueryLoggingConfig": next(iter(self._logs(client, physical_id)), None),
        }


_RECORD = (
    "AliasTarget", "Failover", "GeoLocation", "HealthCheckId", "MultiValueAnswer", "Name", "Region", "ResourceRecords",
    "SetIdentifier", "TTL", "Type", "Weight",
)  # fmt: skip


def _api_record(client: Any, record: Properties) -> dict[str, Any]:
    """A record of a template as the API takes it."""
    found = {name: record[name] for name in _RECORD if name in record}
    if "ResourceRecords" in found:
        found["ResourceRecords"] = [{"Value": value} for value in found["ResourceRecords"]]
    if "AliasTarget" in found:
        found["AliasTarget"] = {"EvaluateTargetHealth": False, **found["AliasTarget"]}
    model = client.meta.service_model.shape_for("ResourceRecordSet")
    shape: dict[str, Any] = shaped(model, found, "ChangeResourceRecordSets")
    return shape


def _template_record(record: Mapping[str, Any]) -> dict[str, Any]:
    values = [one["Value"] for one in record.get("ResourceRecords") or ()]
    found: dict[str, Any] = told("AWS::Route53::RecordSet", {**record, "ResourceRecords": values or None}, _RECORD)
    return {**found, "TTL": str(found["TTL"])} if "TTL" in found else found


def _is(record: Mapping[str, Any], name: str, kind: str, identifier: str) -> bool:
    return bool(
        record["Name"].rstrip(".").replace("\\052", "*").lower() == name.rstrip(".").lower()
        and record["Type"] == kind
        and record.get("SetIdentifier", "") == identifier
    )


def records_of(client: Any, zone: str) -> list[Mapping[str, Any]]:
    """All records of a zone; none if it is gone."""
    found: list[Mapping[str, Any]] = []
    pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)

    def collect() -> list[Mapping[str, Any]]:
        for page in pages:
            found.extend(page["ResourceRecordSets"])
        return found

    return unless_gone(collect) or []


def change_records(client: Any, zone: str, changes: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """One change batch: actions with records as the API takes them."""
    batch = [{"Action": action, "ResourceRecordSet": record} for action, record in changes]
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})


def zone_of(client: Any, properties: Properties) -> str:
    """The zone's id, given or found by its name. Raises ResourceError if there is not exactly one."""
    if "HostedZoneId" in properties:
        return str(properties["HostedZoneId"]).removeprefix("/hostedzone/")
    name = str(properties.get("HostedZoneName", ""))
    answer = client.list_hosted_zones_by_name(DNSName=name)
    found = [zone for zone in answer["HostedZones"] if zone["Name"].rstrip(".") == name.rstrip(".")]
    if len(found) != 1:
        raise ResourceError(f"{len(found)} hosted zones are named {name}: give HostedZoneId", "InvalidRequest")
    return str(found[0]["Id"]).removeprefix("/hostedzone/")


class RecordSet(Declared):
    """AWS::Route53::RecordSet. Ref gives its name. The physical id says where it is: "name|zone|type|identifier"."""

    type_name = "AWS::Route53::RecordSet"
    service = "route53"
    also = (*_RECORD, "Comment", "HostedZoneId", "HostedZoneName")
    unread = ("Comment", "HostedZoneName")
    tags = ""

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        zone = zone_of(client, properties)
        change_records(client, zone, [("CREATE", _api_record(client, properties))])
        return _place(zone, properties)

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        self.check(after)
        client = context.clients(self.service)
        zone = physical_id.split("|")[1]
        old = self._live(client, physical_id)
        if _place(zone, after) == physical_id:
            changes = [("UPSERT", _api_record(client, after))]
        else:
            gone = [("DELETE", dict(old))] if old is not None else []
            changes = [*gone, ("CREATE", _api_record(client, after))]
        change_records(client, zone, changes)
        return self.made(context, _place(zone, after))

    @staticmethod
    def _live(client: Any, physical_id: str) -> Mapping[str, Any] | None:
        name, zone, kind, identifier = physical_id.split("|")
        return next((one for one in records_of(client, zone) if _is(one, name, kind, identifier)), None)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        found = self._live(client, physical_id)
        if found is None:
            return None
        name, zone = physical_id.split("|")[:2]
        return {**_template_record(found), "Name": name, "HostedZoneId": zone}

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        found = self._live(client, physical_id)
        if found is not None:
            change_records(client, physical_id.split("|")[1], [("DELETE", found)])

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return physical_id.split("|", 1)[0]


def _place(zone: str, record: Properties) -> str:
    return "|".join((str(record["Name"]), zone, str(record["Type"]), str(record.get("SetIdentifier", ""))))


class RecordSetGroup(Declared):
    """AWS::Route53::RecordSetGroup. Its physical id holds the zone and where its records are."""

    type_name = "AWS::Route53::RecordSetGroup"
    service = "route53"
    also = ("Comment", "HostedZoneId", "HostedZoneName", "RecordSets")
    unread = ("Comment", "HostedZoneName")
    tags = ""
    attributes = {"Id": ""}

    def make(self, context: Context, client: Any, properties: Properties) -> str:
        zone, records = zone_of(client, properties), properties.get("RecordSets") or []
        change_records(client, zone, [("CREATE", _api_record(client, record)) for record in records])
        return self._id(context.name, zone, records)

    @staticmethod
    def _id(name: str, zone: str, records: Sequence[Properties]) -> str:
        return "/".join([name, zone, *(_place(zone, record) for record in records)])

    def update(self, context: Context, physical_id: str, before: Properties, after: Properties) -> Made:
        self.check(after)
        client = context.clients(self.service)
        name, zone, *places = physical_id.split("/")
        wanted = {_place(zone, record): record for record in after.get("RecordSets") or ()}
        gone = [self._live(client, zone, place) for place in places if place not in wanted]
        changes: list[tuple[str, Mapping[str, Any]]] = [("DELETE", record) for record in gone if record is not None]
        changes += [("UPSERT", _api_record(client, record)) for record in wanted.values()]
        change_records(client, zone, changes)
        return self.made(context, self._id(name, zone, list(wanted.values())))

    @staticmethod
    def _live(client: Any, zone: str, place: str) -> Mapping[str, Any] | None:
        name, _, kind, identifier = place.split("|")
        return next((one for one in records_of(client, zone) if _is(one, name, kind, identifier)), None)

    def describe(self, client: Any, physical_id: str) -> Mapping[str, Any] | None:
        _, zone, *places = physical_id.split("/")
        live = [(place, self._live(client, zone, place)) for place in places]
        there = [
            {**_template_record(record), "Name": place.split("|", 1)[0]} for place, record in live if record is not None
        ]
        return {"HostedZoneId": zone, "RecordSets": there} if there else None

    def remove(self, context: Context, client: Any, physical_id: str, properties: Properties) -> None:
        _, zone, *places = physical_id.split("/")
        live = [self._live(client, zone, place) for place in places]
        gone = [("DELETE", record) for record in live if record is not None]
        if gone:
            change_records(client, zone, gone)

    def ref(self, physical_id: str, found: Mapping[str, Any]) -> str | None:
        return physical_id.split("/", 1)[0]


class HealthCheck(_Tagged):
    """AWS::Route53::HealthCheck."""

    type_name = "AWS::Route53::HealthCheck"
    kind, tags = "healthcheck", "HealthCheckTags"
    create_call, id_path = "create_health_check", "HealthCheck.Id"
    takes = ("HealthCheckConfig",)
    changes = (
        Change(
            ("HealthCheckConfig",),
            "update_health_check",
            lambda physical_id, wanted: {
                "HealthCheckId": physical_id,
                **{
                    name: value
                    for name, value in wanted["HealthCheckConfig"].items()
                    if name not in ("Type", "RequestInterval", "MeasureLatency")
                },
            },
        ),
    )
    attributes = {"HealthCheckId": ""}
    described = Describe("get_health_check", "HealthCheckId", "HealthCheck", many=False)
    delete_call, delete_member = "delete_health_check", "HealthCheckId"

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        return {**super().parameters(context, properties), "CallerReference": context.token}


HANDLERS: tuple[Handler, ...] = (HostedZone(), RecordSet(), RecordSetGroup(), HealthCheck())
