"""What AWS and its client say, as csoc's errors: each kind once, and never with a key in it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from csoc.adapters.aws.failures import from_client, translated
from csoc.errors import ConflictError, DeniedError, Kind, NotFoundError, RejectedError, UnavailableError


def told(code: str, message: str = "why", status: int = 400) -> ClientError:
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (told("AccessDenied"), Kind.DENIED),
        (told("UnauthorizedOperation"), Kind.DENIED),
        (told("ExpiredToken"), Kind.DENIED),
        (told("RequestExpired"), Kind.DENIED),
        (told("Throttling"), Kind.UNAVAILABLE),
        (told("SlowDown", status=503), Kind.UNAVAILABLE),
        (told("Whatever", status=500), Kind.UNAVAILABLE),
        (told("NoSuchEntity"), Kind.NOT_FOUND),
        (told("ResourceNotFoundException"), Kind.NOT_FOUND),
        (told("InvalidVpcID.NotFound"), Kind.NOT_FOUND),
        (told("ValidationError", "Stack with id x does not exist"), Kind.NOT_FOUND),
        (told("ValidationError", "Template format error"), Kind.REJECTED),
        (told("EntityAlreadyExists"), Kind.CONFLICT),
        (told("AlreadyExistsException"), Kind.CONFLICT),
        (told("MalformedPolicyDocument"), Kind.REJECTED),
        (NoCredentialsError(), Kind.NOT_FOUND),
        (EndpointConnectionError(endpoint_url="https://sts.amazonaws.com"), Kind.UNAVAILABLE),
        (ReadTimeoutError(endpoint_url="https://sts.amazonaws.com"), Kind.UNAVAILABLE),
    ],
)
def test_each_answer_has_one_kind(error: ClientError, kind: Kind) -> None:
    found = from_client(error, "role x")
    assert (found.kind, found.place) == (kind, "role x")
    assert found.cause


def test_keys_and_encoded_messages_are_not_repeated() -> None:
    words = f"The key {'AKIA' + 'ABCDEFGHIJKLMNOP'} is bad. Encoded authorization failure message: {'x' * 500}"
    found = str(from_client(told("UnauthorizedOperation", words), "ec2"))
    assert "AKIA" not in found
    assert "xxxx" not in found


def test_errors_of_csoc_itself_pass_through_and_the_cause_is_kept() -> None:
    with pytest.raises(NotFoundError) as raised, translated("x"):
        raise told("NoSuchEntity")
    assert isinstance(raised.value.__cause__, ClientError)
    for error in (ConflictError("a"), DeniedError("b"), RejectedError("c"), UnavailableError("d")):
        with pytest.raises(type(error)), translated("x"):
            raise error
