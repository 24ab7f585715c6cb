"""Where the demo plays: an emulated cloud with several accounts, a hub role for csoc, and repositories in a folder.

Everything is real but the cloud: csoc's own adapters speak to the emulator's endpoints, as they would to AWS's.
"""

from __future__ import annotations

import importlib.resources
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from csoc.cli.demo.adopted import copy

if TYPE_CHECKING:
    from csoc.emulator.running import Emulator

HUB, RESEARCH, PREVENTION, CARELESS = "100000000001", "222222222222", "333333333333", "444444444444"
REGION = "ap-southeast-2"
ZONE = "tidewater.example.org"
SPEED = 600.0
_LOOK_SECONDS = 0.1
_NAME, _EMAIL = "Ada", "ada@tidewater.example.org"


@dataclass(frozen=True, slots=True)
class Scene:
    """fleet, charts: folders of the repositories. zone_id: of the hosted zone in the first account. environ: variables
    that another terminal needs to be csoc here. file: where they are written down. cloud: the emulator."""

    folder: Path
    fleet: Path
    charts: Path
    charts_commit: str
    zone_id: str
    environ: Mapping[str, str]
    file: Path
    owners: Mapping[str, Any]
    cloud: Emulator

    def make_stack(self, account: str, name: str, template: str, parameters: Mapping[str, str]) -> str:
        """What an account's owner does by hand. Gives the stack's status."""
        made: str = self.owners[account].make_stack(name, template, parameters, lambda: time.sleep(_LOOK_SECONDS))
        return made


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Runs the emulator and prepares the rest. The variables of this process are csoc's until the end of the block."""
    from csoc import bootstrap
    from csoc.emulator.owners import OwnerOf
    from csoc.emulator.platform_charts import chart_files, tags

    charts, fleet = folder / "charts", folder / "fleet"
    _write(charts, chart_files())
    with importlib.resources.as_file(
        importlib.resources.files("csoc").joinpath("cli", "demo_fleet", "charts", "gen3")
    ) as packed:
        copy(packed, charts / "gen3")
    commit = bootstrap.found_repository(charts, "Charts", name=_NAME, email=_EMAIL, tags=tags())
    with bootstrap.emulator(port=0, speed=SPEED, data=None, local=folder) as cloud:
        owners = {one: OwnerOf(cloud.endpoint, cloud.accounts, one) for one in (HUB, RESEARCH, PREVENTION, CARELESS)}
        environ = {
            **owners[HUB].hub("ada"),
            "CSOC_EMULATOR": cloud.endpoint,
            "CSOC_EMULATOR_TOKEN": cloud.token,
            "CSOC_FLEET": str(fleet),
            "CSOC_DATA_DIR": str(folder / "data"),
            "CSOC_PLATFORM_MIRROR": charts.as_uri(),
            "CSOC_PLATFORM_FLEET_URL": fleet.as_uri(),
        }
        zone = owners[RESEARCH].client("route53").create_hosted_zone(Name=ZONE, CallerReference="demo")
        file = folder / "csoc.env"
        _write_secret(file, environ)
        with _variables(environ):
            yield Scene(
                folder, fleet, charts, commit, zone["HostedZone"]["Id"].rpartition("/")[2], environ, file, owners, cloud
            )


@contextmanager
def _variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of this process, and sets them back. Others that name credentials are away meanwhile."""
    away = [name for name in os.environ if name.startswith(("AWS_", "CSOC_")) and not name.startswith("CSOC_CACHE")]
    before = {name: os.environ.pop(name) for name in away}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in wanted:
            os.environ.pop(name, None)
        os.environ.update(before)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def _write_secret(path: Path, environ: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"export {name}='{value}'\n" for name, value in sorted(environ.items())), encoding="utf-8")
