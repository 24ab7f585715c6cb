"""The files of a chart's archive, for suites that render the real chart."""

from __future__ import annotations

import tarfile
from pathlib import Path


def files_of(archive: Path) -> dict[str, bytes]:
    """Path inside the chart to bytes."""
    files: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                files[member.name.partition("/")[2]] = content.read()
    return files
