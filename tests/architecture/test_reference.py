"""The reference pages say what the code says."""

from __future__ import annotations

import pytest

from scripts import write_reference


@pytest.mark.parametrize("path", sorted(write_reference.pages()))
def test_a_generated_page_is_up_to_date(path: str) -> None:
    written = write_reference.REFERENCE / path
    assert written.is_file(), "run `make docs`"
    assert written.read_bytes() == write_reference.pages()[path], "run `make docs`"


def test_no_schema_is_left_over_from_a_kind_that_is_gone() -> None:
    folder = write_reference.REFERENCE / "schemas"
    found = {f"schemas/{path.name}" for path in folder.iterdir()}
    assert found <= set(write_reference.pages())
