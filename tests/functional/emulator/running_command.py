"""Starts `csoc emulator` as a process of its own, as somebody at a terminal does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "111111111111"


@dataclass
class Started:
    """A running `csoc emulator`; told: what it printed as JSON."""

    process: subprocess.Popen[str]
    told: dict[str, Any]

    @property
    def variables(self) -> dict[str, str]:
        found: dict[str, str] = self.told["accounts"][0]["variables"]
        return found

    def client(self, service: str) -> Any:
        given = self.variables
        return boto3.client(
            service,
            region_name=given["AWS_DEFAULT_REGION"],
            endpoint_url=given["AWS_ENDPOINT_URL"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"max_attempts": 0}),
        )


def csoc(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends."""
    return subprocess.run(
        [sys.executable, "-c", "from csoc.cli.entry import main; main()", *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CSOC_EMULATOR"))}
    return {**kept, **variables}


@contextmanager
def started(*arguments: str, data: Path | None = None, port: int = 0) -> Iterator[Started]:
    """Until the block ends, unless the test ended it."""
    given = ["--port", str(port), "--speed", "1000", "--json", *arguments]
    given += ["--data", str(data)] if data is not None else []
    process = subprocess.Popen(
        [sys.executable, "-c", "from csoc.cli.entry import main; main()", "emulator", *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        yield Started(process, json.loads(_whole(process)))
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def _whole(process: subprocess.Popen[str]) -> str:
    """The JSON that it prints once it answers."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return text
    raise AssertionError(f"it ended: {process.stderr.read() if process.stderr else ''}")
