"""What a plan costs: estimates of templates as the plan shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from csoc.clock import Clock
from csoc.costs.assumptions import assume
from csoc.costs.estimate import Basis, Estimate, estimate, left_behind
from csoc.costs.lines import Kind, Line
from csoc.costs.prices.tables import price_table
from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning.plans import Cost, CostLine
from csoc.usecases.provisioning_ports import Costs


def costs(
    clock: Clock,
    size: Size = "medium",
    assumed: Mapping[str, object] = MappingProxyType({}),
    *,
    deployed: Callable[[str], Size] | None = None,
) -> Costs:
    """The function that plans are made with: offline, and never in the way of a plan, which says what it could not
    price. size, assumed: see `costs.assumptions`. deployed: the size that a layer was deployed with, since traffic and
    data grow with it; None for the same one. Raises RejectedError: an assumption that there is none of."""
    assumptions = assume(size, assumed)

    def of_layer(layer: str, before: str, after: str, region: str) -> Cost:
        try:
            basis = Basis(price_table(region), assumptions, clock().date())
        except NotFoundError as error:
            return Cost(0.0, 0.0, unpriced=(f"everything: {error.cause}",), source=error.fix)
        was = replace(basis, assumptions=assume(deployed(layer), assumed)) if deployed and before else basis
        return _cost(layer, before, after, was, basis)

    return of_layer


def _cost(layer: str, before: str, after: str, basis_before: Basis, basis: Basis) -> Cost:
    """Before and after, with lines for what is there afterwards. What stays although no template has it any more goes
    on to cost."""
    unread: list[str] = []
    was = _estimate(layer, before, basis_before, unread, "before")
    will = _estimate(layer, after, basis, unread, "after")
    stays = _stays(before, after, basis, unread)
    lines = [*will.lines, *stays.lines]
    return Cost(
        before=float(was.usd.usual),
        after=float(will.usd.usual + stays.usd.usual),
        lines=tuple(_line(layer, line) for line in lines if line.kind is Kind.PRICED),
        unpriced=(*unread, *(f"{_thing(line)}: {line.words}" for line in lines if line.kind is Kind.UNPRICED)),
        source=basis.source,
    )


def _estimate(layer: str, text: str, basis: Basis, unread: list[str], when: str) -> Estimate:
    if not text:
        return Estimate((), basis.source)
    try:
        return estimate(text, basis, layer=layer)
    except RejectedError as error:
        unread.append(f"everything {when}: {error}")
        return Estimate((), basis.source)


def _stays(before: str, after: str, basis: Basis, unread: list[str]) -> Estimate:
    if not before or unread:
        return Estimate((), basis.source)
    return left_behind(before, after, basis)


def _line(layer: str, line: Line) -> CostLine:
    usd = line.usd
    scaled = "" if usd.is_fixed else f" = {usd.low:,.2f} to {usd.high:,.2f}"
    return CostLine(layer, _thing(line), float(usd.usual), f"{line.words}{scaled}")


def _thing(line: Line) -> str:
    return f"{line.resource}: {line.what}" if line.resource else line.what
