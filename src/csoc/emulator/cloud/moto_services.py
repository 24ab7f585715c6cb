"""Hands calls to moto: the services that it emulates well enough, each with its own small application."""

from __future__ import annotations

import io
import logging
import threading
from typing import Any

from flask import Flask
from moto.core.request import Request
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.wrappers import Response

from csoc.emulator.cloud.calls import AwsError, Call, Reply

_LOG = logging.getLogger(__name__)
_ACCOUNT = "HTTP_X_MOTO_ACCOUNT_ID"
# moto's names of its back ends where they are not botocore's.
_BACKENDS = {"efs": "efs", "budgets": "budgets"}


class MotoServices:
    """moto's services, made at the first call. Threads may share it."""

    def __init__(self) -> None:
        self._apps: dict[str, Flask] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request, call: Call) -> Reply:
        """moto's answer in the account of the caller, or of the resource's owner. The account comes from the
        signature and the judged resources, never from a header that the client sent. Raises AwsError InvalidAction
        where moto does not know the operation, InternalFailure where moto fails in a way of its own."""
        environ: dict[str, Any] = dict(request.environ)
        environ[_ACCOUNT] = call.owner or call.account
        if "HTTP_AUTHORIZATION" not in environ:
            # moto takes the region out of a signature, which presigned calls and calls of other services lack.
            scope = f"AKIAINSIDE/{call.at:%Y%m%d}/{call.region}/{call.service}/aws4_request"
            environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        environ["wsgi.input"] = io.BytesIO(request.get_data())
        try:
            response = Response.from_app(self._app(call.service), environ)
        except NotImplementedError:
            raise AwsError(
                "InvalidAction", f"The emulator does not offer {call.service}:{call.operation}", 400
            ) from None
        except Exception as error:
            # moto takes much for granted, so a call that it did not foresee ends it with any error; a client must hear
            # of it and not wait, which is what a StopIteration that leaves a thread would make of it.
            _LOG.exception("moto failed at %s:%s", call.service, call.operation)
            why = f"The emulator failed at {call.service}:{call.operation} ({type(error).__name__}); its log says where"
            raise AwsError("InternalFailure", why, 500) from error
        return Reply(response.status_code, dict(response.headers), response.get_data())

    def _app(self, service: str) -> Flask:
        with self._lock:
            if service not in self._apps:
                self._apps[service] = create_backend_app(_BACKENDS.get(service, service))  # type: ignore[arg-type]
            return self._apps[service]
