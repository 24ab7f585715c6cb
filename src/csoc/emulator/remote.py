"""Asks a running emulator about itself, from another process. Knows nothing of moto, so that it is quick."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from csoc.errors import DeniedError, NotFoundError, RejectedError, UnavailableError

TOKEN_HEADER = "x-csoc-token"  # noqa: S105 - the name of a header
_PATIENCE_SECONDS = 30
_LARGEST_ANSWER_BYTES = 16 * 1024 * 1024
_START = "Start one with `csoc emulator`, and set the variables that it prints"


class RemoteControl:
    """What can be asked at an address of the loopback, with the token that was printed at the start."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost") or parts.port is None:
            raise RejectedError("This is no address of an emulator", place=address, fix="It is http://127.0.0.1:PORT")
        self._address = address
        self._host, self._port = parts.hostname, parts.port
        self._token = token

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises UnavailableError, DeniedError, NotFoundError or RejectedError."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_SECONDS)
        sent = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, f"/_csoc/{path}", sent, {TOKEN_HEADER: self._token})
            answer = connection.getresponse()
            found = json.loads(answer.read(_LARGEST_ANSWER_BYTES))
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError("No emulator answers", place=self._address, fix=_START) from error
        except ValueError as error:
            raise UnavailableError("What answers is no emulator", place=self._address, fix=_START) from error
        finally:
            connection.close()
        if answer.status < 300:
            return found
        why = str(found.get("error", answer.status)) if isinstance(found, dict) else str(answer.status)
        if answer.status in (401, 403):
            raise DeniedError(why, place=self._address, fix="Set CSOC_EMULATOR_TOKEN to what the emulator printed")
        if answer.status == 404:
            raise NotFoundError(why, place=self._address)
        raise RejectedError(why, place=self._address)
