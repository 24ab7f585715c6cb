"""The Security Token Service: who one is, and who one may become.

moto hands out credentials for any role to anybody; here the trust policy decides, and sessions carry what narrows them.
"""

from __future__ import annotations

from collections.abc import Mapping

from csoc.emulator.cloud.calls import Answer, Call, Operation


class Sts:
    """Operations of STS."""

    name = "sts"

    @property
    def operations(self) -> Mapping[str, Operation]:
        return {"GetCallerIdentity": self._get_caller_identity}

    def _get_caller_identity(self, call: Call) -> Answer:
        return {"Account": call.identity.account, "Arn": call.identity.arn, "UserId": call.identity.id}
