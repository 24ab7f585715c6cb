"""What holds for all resource types of the table."""

from __future__ import annotations

from typing import Any

import pytest

from csoc.emulator.cloudformation.resources.declared import Declared
from csoc.emulator.cloudformation.resources.handler import ResourceError
from csoc.emulator.cloudformation.resources.table import HANDLERS
from csoc.emulator.cloudformation.schemas import Schemas

_SCHEMAS = Schemas()
_DECLARED = {name: handler for name, handler in HANDLERS.items() if isinstance(handler, Declared)}


@pytest.mark.parametrize("name", sorted(_DECLARED))
def test_properties_that_a_type_would_lose_are_refused_by_name(name: str) -> None:
    handler, schema = _DECLARED[name], _SCHEMAS.definition(name)
    assert schema, f"{name} is no type of the region"
    told = {pointer.split("/")[2] for pointer in schema.get("readOnlyProperties", ()) if pointer.count("/") == 2}
    for other in sorted(set(schema["properties"]) - handler.supported - told):
        with pytest.raises(ResourceError, match=rf"\b{other}\b.*{name}"):
            handler.check({other: "x"})


@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_a_type_claims_no_property_that_it_does_not_have(name: str) -> None:
    handler: Any = HANDLERS[name]
    assert handler.supported <= set(_SCHEMAS.definition(name)["properties"])
