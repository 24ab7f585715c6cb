"""The testbed's helm is the program that the suites take for the truth about rendering."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed import binaries

pytestmark = pytest.mark.helm


def test_it_renders_a_chart_with_values_from_files(helm_program: Path, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: small, version: 1.0.0}\n", encoding="utf-8")
    (tmp_path / "templates" / "a.yaml").write_text(
        "greeting: {{ .Values.greeting | upper | quote }}\n", encoding="utf-8"
    )
    (tmp_path / "values.yaml").write_text("greeting: from the chart\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text("greeting: mine\n", encoding="utf-8")

    command = [str(helm_program), "template", "release", str(tmp_path), "--values", str(tmp_path / "mine.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={"HOME": str(tmp_path)})

    assert 'greeting: "MINE"' in done.stdout


def test_it_is_the_pinned_version(helm_program: Path) -> None:
    done = subprocess.run([str(helm_program), "version"], capture_output=True, text=True, check=True, timeout=60)
    assert f'Version:"v{binaries.pinned_version(binaries.PROGRAMS["helm"])}"' in done.stdout
