"""From what AWS or the network says to csoc's errors, in one place.

Source of codes: "Common errors" of the services' API references; botocore/exceptions.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.parsers import ResponseParserError

from csoc.errors import ConflictError, CsocError, DeniedError, NotFoundError, RejectedError, UnavailableError
from csoc.fleet.masking import mask_text

P = ParamSpec("P")
R = TypeVar("R")

RAISED = (ClientError, BotoCoreError, ResponseParserError)
"""What AWS's client raises. An answer that it cannot read is none of its own two families."""
_LONGEST = 2_000
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "UnauthorizedException",
     "Client.UnauthorizedOperation", "AuthorizationErrorException", "ForbiddenException", "403"}
)  # fmt: skip
_UNKNOWN_CALLER = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
     "MissingAuthenticationToken", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
     "AuthFailure", "InvalidIdentityToken", "IDPRejectedClaim"}
)  # fmt: skip
_GONE = frozenset(
    {"NoSuchEntity", "NoSuchBucket", "NoSuchKey", "ParameterNotFound", "ResourceNotFoundException", "NotFoundException",
     "NoSuchHostedZone", "ChangeSetNotFound", "StackInstanceNotFoundException", "404", "DBInstanceNotFound",
     "DBClusterNotFoundFault"}
)  # fmt: skip
_TAKEN = frozenset(
    {"AlreadyExistsException", "EntityAlreadyExists", "ConcurrentModification", "ConflictException",
     "OperationAbortedException", "OperationInProgressException", "ResourceExistsException", "ResourceInUseException",
     "DeleteConflict", "TokenAlreadyExistsException", "PreconditionFailed", "InvalidChangeSetStatus"}
)  # fmt: skip
_LATER = frozenset(
    {"BandwidthLimitExceeded", "EC2ThrottledException", "InternalError", "InternalFailure", "InternalServerError",
     "InternalServiceError", "LimitExceededException", "PriorRequestNotComplete", "ProvisionedThroughputExceeded",
     "RequestLimitExceeded", "RequestThrottled", "RequestTimeout", "ServiceUnavailable", "SlowDown", "Throttling",
     "ThrottlingException", "ThrottledException", "TooManyRequestsException", "TransactionInProgressException",
     "Unavailable", "ServiceFailure", "ServiceUnavailableException", "RegionDisabledException"}
)  # fmt: skip
_ABSENT = re.compile(r"does not exist|not found|cannot be found", re.IGNORECASE)
_KEYS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_ENCODED = re.compile(r"Encoded authorization failure message: \S+")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Within it, whatever AWS's client raises becomes one of csoc's errors. place: what was asked, of whom."""
    try:
        with read():
            yield
    except RAISED as error:
        raise from_client(error, place) from error


@contextmanager
def read() -> Iterator[None]:
    """Within it, an answer that AWS's client cannot read is always a ResponseParserError. In XML that is another's,
    such as a page, the client's parser looks for AWS's elements without asking whether they are there."""
    try:
        yield
    except KeyError as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is None or trace.tb_frame.f_globals.get("__name__") != ResponseParserError.__module__:
            raise
        raise ResponseParserError("The answer has no such element") from error


def translating(place: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The same for a whole function."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        def call(*arguments: P.args, **named: P.kwargs) -> R:
            with translated(place):
                return function(*arguments, **named)

        return call

    return wrap


def code_of(error: ClientError) -> str:
    """AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def words_of(error: ClientError) -> str:
    """AWS's message, without keys, and not longer than somebody reads."""
    return cleaned(str(error.response.get("Error", {}).get("Message", "")))


def cleaned(text: str) -> str:
    """Text from AWS, on one line, masked and cut."""
    shown = _ENCODED.sub("", _KEYS.sub("(a key)", text))
    return " ".join(mask_text(shown).split())[:_LONGEST]


def is_denial(error: ClientError) -> bool:
    """True if AWS knows who asks and says no."""
    return code_of(error) in _DENIED


def from_stranger(place: str) -> CsocError:
    """The error for an answer that is not AWS's. What it said may be anything, so nothing of it is repeated."""
    return UnavailableError(
        "What answered is not AWS: nothing can be read in its answer",
        place=place,
        fix="Check the endpoint (AWS_ENDPOINT_URL, endpoint_url in the profile) and the proxy (HTTPS_PROXY)",
    )


def from_client(error: ClientError | BotoCoreError | ResponseParserError, place: str) -> CsocError:
    """The error for what AWS's client raised."""
    if isinstance(error, ClientError):
        return _from_answer(error, place)
    if isinstance(error, ResponseParserError):
        return from_stranger(place)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return NotFoundError(
            "There are no credentials for AWS",
            place=place,
            fix="Run csoc where it has a role, or sign in: `aws sso login`. `csoc account doctor` says what it finds",
        )
    if isinstance(error, UnauthorizedSSOTokenError | TokenRetrievalError):
        return DeniedError("The single sign-on has ended", place=place, fix="Sign in anew: `aws sso login`")
    if isinstance(error, ProfileNotFound):
        return NotFoundError("AWS_PROFILE names no profile", place=place, fix="Correct it, or `aws configure sso`")
    if isinstance(error, NoRegionError):
        return RejectedError("No region is set", place=place, fix="Set AWS_DEFAULT_REGION")
    if isinstance(error, CredentialRetrievalError):
        return UnavailableError("The credentials could not be had", place=place, fix="`csoc account doctor` looks why")
    if isinstance(error, ParamValidationError):
        return RejectedError(f"AWS's client does not take this: {cleaned(str(error))}", place=place)
    return UnavailableError(
        f"AWS does not answer: {cleaned(str(error))}", place=place, fix="Look at the network, then try again"
    )


def _from_answer(error: ClientError, place: str) -> CsocError:
    code, message = code_of(error), words_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    told: dict[str, Any] = {"place": place}
    if code in _DENIED:
        return DeniedError(f"AWS refuses: {message or code}", fix="Give the role this right", **told)
    if code in _UNKNOWN_CALLER:
        return DeniedError(
            f"AWS does not accept the credentials ({code}): {message}",
            fix="Renew them; a clock that is minutes off is refused too. `csoc account doctor` looks",
            **told,
        )
    if code in _LATER or status >= 500 or status == 429:
        return UnavailableError(f"AWS cannot answer now ({code}): {message}", fix="Try again in a moment", **told)
    if code in _GONE or code.endswith((".NotFound", "NotFoundException", "NotFoundFault")):
        return NotFoundError(message or code, **told)
    if code == "ValidationError" and _ABSENT.search(message):
        return NotFoundError(message, **told)
    if code in _TAKEN:
        return ConflictError(message or code, fix="Look at what is there and decide anew", **told)
    return RejectedError(f"AWS does not accept this ({code}): {message}", **told)
