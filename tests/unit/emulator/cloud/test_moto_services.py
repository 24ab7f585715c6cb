"""What moto fails at becomes an answer."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.core.request import Request

from csoc.emulator.cloud.calls import AwsError, Call, Identity
from csoc.emulator.cloud.moto_services import MotoServices

CALL = Call(
    Identity("111111111111", "arn", "arn", "id"), "ec2", "CreateVpc", "us-east-1", {}, datetime(2026, 1, 1, tzinfo=UTC),
    "request",
)  # fmt: skip


class Failing(MotoServices):
    """moto's applications end with an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def _app(self, service: str) -> Any:
        def application(*_: Any) -> Any:
            raise self._error

        return application


@pytest.mark.parametrize("error", [StopIteration(), KeyError("secret"), AttributeError()])
def test_an_error_of_motos_own_is_told_by_its_kind_and_only_the_log_has_more(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    request = Request.from_primitives("POST", "http://127.0.0.1/", {}, b"")
    with caplog.at_level(logging.ERROR), pytest.raises(AwsError) as failed:
        Failing(error).answer(request, CALL)
    assert (failed.value.code, failed.value.status) == ("InternalFailure", 500)
    assert f"ec2:CreateVpc ({type(error).__name__})" in failed.value.message
    assert "secret" not in failed.value.message
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_what_moto_has_not_is_not_offered() -> None:
    request = Request.from_primitives("POST", "http://127.0.0.1/", {}, b"")
    with pytest.raises(AwsError, match="does not offer ec2:CreateVpc"):
        Failing(NotImplementedError()).answer(request, CALL)
