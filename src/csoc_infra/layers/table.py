"""Every layer that has a stack: whose it is and which module builds it, in an order in which each comes after what it
needs.

A module is loaded when its layer is asked for: the library has a module of its own for each service of AWS, and they
take seconds together. What a module must have is the protocol `LayerModule`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from aws_cdk import Stack

    from csoc_infra.context import Given

OWNERS = ("cluster", "environment")


class LayerModule(Protocol):
    """A module of this package that builds a layer.

    INPUTS: names of what it needs, as docs/provisioning.md has them (NetworkVpcId); OPTIONAL_INPUTS: what it works
    without. An input becomes a parameter of the template where `build` asks for it. OUTPUTS: names of what it gives;
    `build` returns the value of each, "" where there is nothing to name.
    """

    NAME: str
    INPUTS: tuple[str, ...]
    OPTIONAL_INPUTS: tuple[str, ...]
    OUTPUTS: tuple[str, ...]
    Settings: type[Any]

    def build(self, stack: Stack, settings: Any, given: Given) -> Mapping[str, str]:
        """Puts the layer's resources into its stack."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A layer. owner: one of OWNERS; module: the one that builds it."""

    owner: str
    module: str

    def load(self) -> LayerModule:
        """The module."""
        return cast("LayerModule", importlib.import_module(self.module))


LAYERS: Mapping[str, Entry] = MappingProxyType(
    {
        "network": Entry("cluster", "csoc_infra.layers.network"),
        "egress": Entry("cluster", "csoc_infra.layers.egress"),
        "cluster": Entry("cluster", "csoc_infra.layers.cluster"),
        "platform": Entry("cluster", "csoc_infra.layers.platform"),
        "database": Entry("environment", "csoc_infra.layers.database"),
        "credentials": Entry("environment", "csoc_infra.layers.credentials"),
        "resources": Entry("environment", "csoc_infra.layers.resources"),
        "edge": Entry("environment", "csoc_infra.layers.edge"),
    }
)
