"""What one may ask of the emulator itself: accounts and their keys, planned faults, counts, speed, names.

It hangs below `/_csoc/` of the cloud's port, which no AWS service uses, and answers only those who hold the token that
was printed at the start. A page in a browser has neither that nor a way in: requests with an Origin, or for another
host's name, are refused.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from csoc.emulator.cloud.accounts import Accounts, OwnerKey
from csoc.emulator.cloud.calls import AwsError, Reply
from csoc.emulator.cloud.counts import Counts
from csoc.emulator.cloud.faults import FaultError, Faults, not_there_yet, parse_rule
from csoc.emulator.cloud.moto_accounts import principals
from csoc.emulator.edge.answers import Edge
from csoc.emulator.remote import TOKEN_HEADER
from csoc.emulator.timeline import FASTEST, SLOWEST, RunningTimeline, Timeline

_LARGEST_BODY_BYTES = 1_000_000


class ControlError(Exception):
    """A request that cannot be answered; status is HTTP's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """Answers requests below /_csoc/. token: without which nothing is answered. edge_address, authority: where all
    hostnames answer (host and port), and who signs their certificates (PEM)."""

    def __init__(self, accounts: Accounts, counts: Counts, faults: Faults, timeline: Timeline, edge: Edge) -> None:
        self.token = secrets.token_urlsafe(32)
        self._accounts = accounts
        self._counts = counts
        self._faults = faults
        self._timeline = timeline
        self._edge = edge
        self.edge_address: tuple[str, int] = ("", 0)
        self.authority = ""
        self.repositories = ""

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer, as JSON: an object or list, or {"error": why}."""
        try:
            self._check(headers, body)
            for pattern, verbs in _ROUTES:
                match = pattern.fullmatch(path)
                if match is None:
                    continue
                if method not in verbs:
                    raise ControlError(f"{method} is not offered here; {' and '.join(verbs)} is", 405)
                return _reply(200, verbs[method](self, match, _json(body)))
            raise ControlError(f"there is nothing at {path}", 404)
        except ControlError as error:
            return _reply(error.status, {"error": str(error)})
        except FaultError as error:
            return _reply(400, {"error": str(error)})
        except AwsError as error:
            return _reply(400, {"error": error.message})

    def _check(self, headers: Mapping[str, str], body: bytes) -> None:
        if "origin" in headers:
            raise ControlError("pages in a browser are not answered", 403)
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if host not in ("127.0.0.1", "localhost"):
            raise ControlError("the emulator answers at 127.0.0.1 and localhost only", 403)
        if not secrets.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token.encode()):
            raise ControlError(f"the header {TOKEN_HEADER} must hold the token that was printed at the start", 401)
        if len(body) > _LARGEST_BODY_BYTES:
            raise ControlError("the request is longer than 1 MB", 413)

    def _list_accounts(self, _: re.Match[str], __: Any) -> Any:
        return {"accounts": self._accounts.known()}

    def _owner(self, match: re.Match[str], _: Any) -> Any:
        return owner_json(self._accounts.owner(match["account"]))

    def _organise(self, _: re.Match[str], body: Any) -> Any:
        management, members = body.get("management"), body.get("members", [])
        if not isinstance(management, str) or not isinstance(members, list):
            raise ControlError("an organisation needs management, an account id, and members, a list of them")
        return {"organisation": self._accounts.organise(management, [str(one) for one in members])}

    def _speed(self, _: re.Match[str], __: Any) -> Any:
        return {"speed": getattr(self._timeline, "speed", None)}

    def _set_speed(self, _: re.Match[str], body: Any) -> Any:
        speed = body.get("speed")
        if not isinstance(speed, (int, float)) or isinstance(speed, bool) or not SLOWEST <= speed <= FASTEST:
            raise ControlError(f"speed must be a number from {SLOWEST:g} to {FASTEST:g}")
        if not isinstance(self._timeline, RunningTimeline):
            raise ControlError("the time of this emulator is stepped by whoever started it", 409)
        self._timeline.speed = float(speed)
        return {"speed": self._timeline.speed}

    def _resolve(self, match: re.Match[str], _: Any) -> Any:
        found = self._edge.resolve(match["host"])
        host, port = self.edge_address
        addresses = [{"host": host, "port": port}] if found.balancer else []
        return {
            "addresses": addresses, "chain": list(found.chain), "why": found.why, "authority": self.authority,
        }  # fmt: skip

    def _show_repositories(self, _: re.Match[str], __: Any) -> Any:
        return {"folder": self.repositories}

    def _show_visitor(self, _: re.Match[str], __: Any) -> Any:
        return {"address": self._edge.visitor}

    def _set_visitor(self, _: re.Match[str], body: Any) -> Any:
        try:
            self._edge.come_from(str(body.get("address")))
        except ValueError:
            raise ControlError("address must be an address of the internet, such as 203.0.113.7") from None
        return {"address": self._edge.visitor}

    def _show_counts(self, _: re.Match[str], __: Any) -> Any:
        return {
            "counts": [
                {
                    "account": kind.account, "service": kind.service, "operation": kind.operation,
                    "caller": kind.caller, "by": kind.by, "calls": number,
                }
                for kind, number in sorted(self._counts.all().items())
            ]
        }  # fmt: skip

    def _clear_counts(self, _: re.Match[str], __: Any) -> Any:
        self._counts.clear()
        return {}

    def _list_faults(self, _: re.Match[str], __: Any) -> Any:
        return {"faults": self._faults.all()}

    def _add_fault(self, _: re.Match[str], body: Any) -> Any:
        rule = parse_rule(body)
        missing = not_there_yet(rule, {account: principals(account) for account in self._accounts.known()})
        return {"id": self._faults.add(rule), "warnings": missing}

    def _clear_faults(self, _: re.Match[str], __: Any) -> Any:
        self._faults.clear()
        return {}

    def _remove_fault(self, match: re.Match[str], _: Any) -> Any:
        if not self._faults.remove(match["fault"]):
            raise ControlError(f"there is no fault {match['fault']}", 404)
        return {}


_Verb = Callable[[Control, re.Match[str], Any], Any]
_ROUTES: tuple[tuple[re.Pattern[str], Mapping[str, _Verb]], ...] = (
    (re.compile("/_csoc/accounts"), {"GET": Control._list_accounts}),
    (re.compile("/_csoc/accounts/(?P<account>[^/]+)/credentials"), {"GET": Control._owner}),
    (re.compile("/_csoc/organisation"), {"POST": Control._organise}),
    (re.compile("/_csoc/speed"), {"GET": Control._speed, "PUT": Control._set_speed}),
    (re.compile("/_csoc/resolve/(?P<host>[^/]{1,253})"), {"GET": Control._resolve}),
    (re.compile("/_csoc/repositories"), {"GET": Control._show_repositories}),
    (re.compile("/_csoc/visitor"), {"GET": Control._show_visitor, "PUT": Control._set_visitor}),
    (re.compile("/_csoc/counts"), {"GET": Control._show_counts, "DELETE": Control._clear_counts}),
    (
        re.compile("/_csoc/faults"),
        {"GET": Control._list_faults, "POST": Control._add_fault, "DELETE": Control._clear_faults},
    ),
    (re.compile("/_csoc/faults/(?P<fault>[^/]+)"), {"DELETE": Control._remove_fault}),
)


def owner_json(key: OwnerKey) -> dict[str, str]:
    """The key of an account's owner, for programs."""
    return {"account": key.account, "accessKey": key.access_key, "secret": key.secret}


def _json(body: bytes) -> Any:
    if not body:
        return {}
    try:
        found = json.loads(body)
    except ValueError:
        raise ControlError("the request is not JSON") from None
    except RecursionError:
        raise ControlError("the request is JSON that is nested too deeply") from None
    if not isinstance(found, dict):
        raise ControlError("the request is no JSON object")
    return found


def _reply(status: int, body: Any) -> Reply:
    return Reply(status, {"content-type": "application/json"}, json.dumps(body).encode())
