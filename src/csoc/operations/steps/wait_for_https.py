"""Waits until the environment's hostname answers over https, or names the record that is missing."""

from __future__ import annotations

import ipaddress

from csoc.clusters.hostnames import Answer, Answered
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting


def _run(context: Context) -> Result:
    hostname = needed(context.services.delivery, "documents").hostname(context.run)
    address = str(context.results.get("follow gen3", {}).get("address", ""))
    answer = needed(context.services.hostnames, "hostnames").ask(hostname)
    if answer.is_up:
        context.log(f"https://{hostname}/: {answer.why}", "event" if answer.answered is Answered.YES else "warning")
        return Done({"hostname": hostname, "status": answer.status})
    what, fix = lacking(hostname, address, answer)
    if answer.answered is Answered.NO_ADDRESS and address:
        return Waiting(what, fix=fix, seconds=2)
    return Waiting(what, fix=fix, seconds=2, most_seconds=60)


def lacking(hostname: str, address: str, answer: Answer) -> tuple[str, str]:
    """What keeps a hostname from answering, to be waited for, and what to do about it. address: of the load balancer,
    "" if that is not known."""
    if answer.answered is Answered.NO_ADDRESS and address:
        wanted = record(hostname, address)
        return f"the record {wanted}: {answer.why}", f"Make the record {wanted}"
    return f"https://{hostname}/ to answer: {answer.why}", _FIXES.get(answer.answered, "")


def record(hostname: str, address: str) -> str:
    """The record that somebody must make, with type and value."""
    try:
        kind = "A" if ipaddress.ip_address(address).version == 4 else "AAAA"
    except ValueError:
        # The top of a zone takes no CNAME; Route 53 has aliases for that.
        return f"{hostname} CNAME {address} (in Route 53: A, an alias of it)"
    return f"{hostname} {kind} {address}"


_FIXES = {
    Answered.UNREACHABLE: "Look at the load balancer and its security groups; an internal one is reached from inside",
    Answered.NO_TLS: "Look whether the certificate is issued, and whether the Ingress names it",
    Answered.WRONG_CERTIFICATE: "Look which certificate the Ingress names, and for which hostname it is",
    Answered.BALANCER_ONLY: "Look at the Ingress and at the pods of revproxy",
    Answered.FAILING: "Look at the log of revproxy and of the portal",
}

STEP = StepKind(
    kind="wait for https",
    run=_run,
    touches="nothing",
    timeout_seconds=120,
)
