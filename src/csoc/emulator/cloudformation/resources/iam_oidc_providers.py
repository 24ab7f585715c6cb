"""Identity providers of IAM: whose tokens may become roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from csoc.emulator.cloudformation.resources.declared import Change, Describe
from csoc.emulator.cloudformation.resources.handler import Context, Properties, ResourceError
from csoc.emulator.cloudformation.resources.service_type import ServiceType, TagCalls, gone_and_new


class OidcProvider(ServiceType):
    """AWS::IAM::OIDCProvider."""

    type_name, service = "AWS::IAM::OIDCProvider", "iam"
    create_call, id_path = "create_open_id_connect_provider", "OpenIDConnectProviderArn"
    delete_call, delete_member = "delete_open_id_connect_provider", "OpenIDConnectProviderArn"
    takes, renamed = ("Url", "ThumbprintList"), {"ClientIdList": "ClientIDList"}
    changes = (
        Change(
            ("ThumbprintList",),
            "update_open_id_connect_provider_thumbprint",
            lambda arn, wanted: {"OpenIDConnectProviderArn": arn, "ThumbprintList": wanted["ThumbprintList"]},
        ),
    )
    defaults = {"ThumbprintList": []}
    described = Describe("get_open_id_connect_provider", "OpenIDConnectProviderArn", "", many=False)
    tag_calls = TagCalls("tag_open_id_connect_provider", "untag_open_id_connect_provider", "OpenIDConnectProviderArn")
    attributes = {"Arn": ""}

    def parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        if "Url" not in properties:
            raise ResourceError("#: required key [Url] not found", "InvalidRequest")
        return super().parameters(context, properties)

    def alter(
        self,
        context: Context,
        client: Any,
        physical_id: str,
        before: Properties,
        after: Properties,
        left: frozenset[str],
    ) -> set[str]:
        old, new = gone_and_new(before.get("ClientIdList") or (), after.get("ClientIdList") or ())
        for audience in new:
            client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=physical_id, ClientID=audience)
        for audience in old:
            client.remove_client_id_from_open_id_connect_provider(
                OpenIDConnectProviderArn=physical_id, ClientID=audience
            )
        return {"ClientIdList"}

    def more(self, client: Any, physical_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"Url": f"https://{found['Url'].removeprefix('https://')}"}


HANDLERS = (OidcProvider(),)
