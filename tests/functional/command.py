"""Runs csoc's command line in this process, as somebody at a terminal would, with a home of its own."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from csoc.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command gave: its exit code, what it printed, and what it complained about."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


@dataclass
class Command:
    """csoc with a home folder, settings and variables of its own. folder: where it is called."""

    home: Path
    folder: Path
    settings: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that csoc sees, beside the PATH."""
        config = self.home / "config.toml"
        author = '[author]\nname = "Ada"\nemail = "ada@example.org"\n'
        config.write_text(f"{self.settings}\n{author}", encoding="utf-8")
        return {
            "HOME": str(self.home),
            "CSOC_CONFIG": str(config),
            "CSOC_CACHE_DIR": str(self.home / "cache"),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            **self.variables,
        }

    def __call__(self, *arguments: str | Path) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict("os.environ", self.environment, clear=True),
            chdir(self.folder),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main.run([str(argument) for argument in arguments])
        return Ran(code, out.getvalue(), err.getvalue())
