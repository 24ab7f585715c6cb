"""Templates of whole clusters and environments in each size, as csoc would make them, for tests of what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from csoc.costs.assumptions import assume
from csoc.costs.estimate import Basis
from csoc.costs.prices.tables import price_table
from csoc.fleet.documents.infrastructure import Size
from csoc.provisioning import sizes
from csoc_infra import app
from csoc_infra.document import parse
from tests.infra import documents, environments

SYDNEY = "ap-southeast-2"
TODAY = date(2026, 11, 23)
SIZES: tuple[Size, ...] = ("small", "medium", "large")
_ROLE = f"arn:aws:iam::{documents.ACCOUNT}:role/csoc-link/CsocLink-{documents.INSTALLATION}-cluster"


def basis(size: Size = "medium", region: str = SYDNEY, today: date = TODAY, **replaced: object) -> Basis:
    """What estimates of a size are made with."""
    return Basis(price_table(region), assume(size, replaced), today)


@cache
def texts(size: Size, *, proxies: bool = False) -> Mapping[str, str]:
    """Every layer's template, as text. proxies: the way out is the proxies, in place of NAT."""
    given: dict[str, dict[str, Any]] = {
        "network": {"cidr": "10.20.0.0/16", "default_route": "egress" if proxies else "nat"},
        "egress": {"allowed": ["quay.io"]},
        "cluster": {"link_role": _ROLE},
        "platform": {"dns_zones": ["Z0123456789ABCDEFGHIJ"]},
    }
    names = [name for name in given if proxies or name != "egress"]
    left_out = () if proxies else ("EgressProxyInterfaceIds",)
    layers = {
        name: documents.layer(name, sizes.settings(name, size, given=given[name]), left_out=left_out) for name in names
    }
    made = dict(app.templates(parse(documents.document(layers))))
    environment = environments.document(size)
    return {**made, **app.templates(parse(environment))}


def parsed(size: Size, layer: str) -> Any:
    """A layer's template, as data that may be changed."""
    return json.loads(texts(size)[layer])
