"""What every suite shares: the optional parts of the machine, and fixtures of the testbed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins import optional_parts, parts

pytest_plugins = ["pytester", "tests.testbed.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    optional_parts.register(config, parts.PARTS)


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> Path:
    """The folder with other people's repositories: CSOC_REAL, or shared/real beside the checkout."""
    return optional_parts.path_of("real", request.config)
