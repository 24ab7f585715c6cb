"""Who csoc is in AWS and whether that is fit to be trusted: asked before the first account is linked."""

from __future__ import annotations

from dataclasses import dataclass

from csoc.accounts.cloud import Caller, Origin
from csoc.accounts.terms import check_role_arn
from csoc.errors import CsocError, DeniedError
from csoc.usecases.cloud_ports import CloudPorts

GOOD, RISKY, WRONG, UNKNOWN = "ok", "risky", "wrong", "could not find out"
_MOST_SKEW_SECONDS = 240.0
_ROLE_FIX = (
    "Run csoc with a role: of the pod (IRSA), of the instance, or signed in with `aws sso login` and AWS_PROFILE set "
    "to a profile whose role csoc may use"
)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that was looked at. outcome: "ok", "risky", "wrong", "could not find out"."""

    what: str
    outcome: str
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """caller, origin: None if there is nobody. worker, observer: ARNs of the roles that links trust; "" if they cannot
    be told."""

    remarks: tuple[Remark, ...]
    caller: Caller | None = None
    origin: Origin | None = None
    worker: str = ""
    observer: str = ""

    @property
    def is_fit(self) -> bool:
        """False if csoc must not, or cannot, link with what it is."""
        return all(remark.outcome in (GOOD, RISKY) for remark in self.remarks)


def doctor(ports: CloudPorts) -> Diagnosis:
    """Looks at csoc's own principal. Changes nothing. Raises nothing that a remark can say."""
    remarks: list[Remark] = []
    try:
        origin = ports.cloud().origin()
        caller = ports.cloud().caller()
    except CsocError as error:
        outcome = UNKNOWN if error.kind.value == "unavailable" else WRONG
        return Diagnosis((Remark("credentials", outcome, error.cause, error.fix),))
    remarks += [_principal(caller), _origin(origin), _clock(ports)]
    worker, observer = "", ""
    try:
        worker, observer = principals(ports, caller)
        remarks.append(_trusted(caller, worker, observer))
    except CsocError as error:
        if caller.kind == "role":
            remarks.append(Remark("principal of links", WRONG, error.cause, error.fix))
    return Diagnosis(tuple(remarks), caller, origin, worker, observer)


def principals(ports: CloudPorts, caller: Caller) -> tuple[str, str]:
    """The roles that links trust, the worker's and the observer's. Raises DeniedError for a principal that csoc
    refuses to be, RejectedError if the settings do not name roles."""
    refuse_unfit(caller)
    aws = ports.settings.aws
    worker = aws.worker_principal
    if not worker:
        if not caller.is_exact and "AWSReservedSSO" in caller.role_arn:
            raise DeniedError(
                "The role of the single sign-on has a path that csoc may not ask for, and a trust policy must name it",
                place=caller.arn,
                fix="Set aws.worker_principal to the role's ARN "
                "(arn:aws:iam::ACCOUNT:role/aws-reserved/sso.amazonaws.com/REGION/NAME), "
                "or let it call iam:GetRole on itself",
            )
        worker = caller.role_arn
    observer = aws.observer_principal or worker
    for arn in (worker, observer):
        check_role_arn(arn)
    return worker, observer


def refuse_unfit(caller: Caller) -> None:
    """Raises DeniedError unless csoc is a role."""
    if caller.kind == "role":
        return
    what = {
        "root": "csoc runs as the root of an account, whom nothing bounds",
        "user": "csoc runs as an IAM user, whose keys never end",
        "federated": "csoc runs as a federated user, which rests on a user's key",
    }
    raise DeniedError(what.get(caller.kind, "csoc runs as no role"), place=caller.arn, fix=_ROLE_FIX)


def _principal(caller: Caller) -> Remark:
    try:
        refuse_unfit(caller)
    except DeniedError as error:
        return Remark("principal", WRONG, error.cause, error.fix)
    return Remark("principal", GOOD, caller.role_arn)


def _origin(origin: Origin) -> Remark:
    if origin.is_lasting:
        why = f"The credentials ({origin.kind}) are a long-lived key, or rest on one"
        return Remark("credentials", WRONG, why, _ROLE_FIX)
    if not origin.is_renewed:
        why = f"The credentials ({origin.kind}) end within hours, and nobody renews them"
        return Remark("credentials", RISKY, why, "Good for trying out. For a server: the role of the pod or instance")
    return Remark("credentials", GOOD, origin.kind)


def _clock(ports: CloudPorts) -> Remark:
    try:
        skew = ports.cloud().skew_seconds()
    except CsocError as error:
        return Remark("clock", UNKNOWN, error.cause, error.fix)
    if abs(skew) > _MOST_SKEW_SECONDS:
        which = "ahead of" if skew > 0 else "behind"
        why = f"This machine's clock is {abs(skew):.0f} s {which} AWS's, which refuses signatures from 300 s on"
        return Remark("clock", WRONG, why, "Set the clock, for instance with chrony")
    return Remark("clock", GOOD, f"{skew:+.0f} s")


def _trusted(caller: Caller, worker: str, observer: str) -> Remark:
    what = "principal of links"
    shown = worker if worker == observer else f"{worker}, and {observer} for reading"
    if caller.role_arn in (worker, observer):
        return Remark(what, GOOD, shown)
    why = f"Links trust {shown}; csoc runs as {caller.role_arn} now and cannot use them"
    return Remark(what, RISKY, why, "Run csoc as that role, or correct aws.worker_principal")
