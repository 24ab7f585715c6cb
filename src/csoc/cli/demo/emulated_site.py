"""What a launch on the emulator needs besides a cloud: charts that clusters read, a role for csoc, an account with a
hosted zone, and answers.

For the demo, which plays a launch by itself, and for `csoc emulator --site`, where a person types one.
"""

from __future__ import annotations

import importlib.resources
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from csoc.cli.demo.adopted import copy
from csoc.errors import ConflictError, DeniedError, RejectedError, UnavailableError

if TYPE_CHECKING:
    from csoc.emulator.running import Emulator

ZONE = "tidewater.example.org"
COMMONS, HOSTNAME = "reef", f"reef.{ZONE}"
SECRET_VARIABLE = "CLIENT_SECRET"  # noqa: S105 - the name of a variable
_NAME, _EMAIL, _PERSON = "Ada", f"ada@{ZONE}", "ada"
_ANOTHER = "Name a new or an empty one"


@dataclass(frozen=True, slots=True)
class EmulatedSite:
    """fleet, charts: folders of the repositories; that of the fleet is made by whoever launches. zone_id: of the hosted
    zone in the account that is linked. environ: variables with which a terminal is csoc. csoc_file, owner_file: these,
    and those of the account's owner, to be read by a shell. answers: the file of them."""

    fleet: Path
    charts: Path
    charts_commit: str
    zone_id: str
    environ: Mapping[str, str]
    csoc_file: Path
    owner_file: Path
    answers: Path


def check_folder(folder: Path, *, is_kept: bool) -> None:
    """Makes the folder, for its owner alone. is_kept: what stands in it goes with a cloud that was kept.

    Raises ConflictError (something stands in it, of a cloud that is gone), RejectedError, DeniedError,
    UnavailableError.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_kept and any(folder.iterdir()):
            raise ConflictError(
                "The folder is not empty, and the cloud that it was made for is gone",
                place=str(folder),
                fix=f"{_ANOTHER}; `--data DIR` keeps a cloud together with its site",
            )
    except (FileExistsError, NotADirectoryError) as error:
        raise RejectedError("This is a file, not a folder", place=str(folder), fix=_ANOTHER) from error
    except PermissionError as error:
        raise DeniedError("The folder may not be written", place=str(folder), fix=_ANOTHER) from error
    except OSError as error:
        raise UnavailableError(f"The folder cannot be made: {error.strerror}", place=str(folder)) from error


def prepare(cloud: Emulator, folder: Path, hub: str, account: str) -> EmulatedSite:
    """Writes what is not there yet. folder: absolute, and the one whose repositories the cloud's clusters may name.
    hub: the account of csoc's role; account: the one to link.

    Raises ConflictError, RejectedError, DeniedError, UnavailableError: the folder cannot be written.
    """
    from csoc.emulator.owners import OwnerOf

    fleet, charts = folder / "fleet", folder / "charts"
    commit = _charts(charts)
    csoc, owner = (OwnerOf(cloud.endpoint, cloud.accounts, one) for one in (hub, account))
    emulator = {"CSOC_EMULATOR": cloud.endpoint, "CSOC_EMULATOR_TOKEN": cloud.token}
    environ = {
        **csoc.hub(_PERSON),
        **emulator,
        "CSOC_FLEET": str(fleet),
        "CSOC_DATA_DIR": str(folder / "data"),
        "CSOC_PLATFORM_MIRROR": charts.as_uri(),
        "CSOC_PLATFORM_FLEET_URL": fleet.as_uri(),
    }
    csoc_file = folder / "csoc.env"
    made = EmulatedSite(
        fleet, charts, commit, _zone(owner.client("route53"), is_prepared=csoc_file.exists()), environ,
        csoc_file, folder / "owner.env", folder / "answers.yaml",
    )  # fmt: skip
    _write_secret(made.csoc_file, "", environ)
    # The session of csoc's role would go before the owner's key.
    _write_secret(made.owner_file, "unset AWS_SESSION_TOKEN\n", {**owner.variables(), **emulator})
    if not made.answers.exists():
        made.answers.write_text(answers_text(made, secret=f", clientSecret: {{env: {SECRET_VARIABLE}}}"), "utf-8")
    return made


def _zone(route53: Any, *, is_prepared: bool) -> str:
    """The id of the hosted zone: the one of a site that was prepared before. Every other site has one of its own, since
    records of a launch elsewhere would be in the way of its launches."""
    zones = route53.list_hosted_zones()["HostedZones"] if is_prepared else []
    found = [one for one in zones if one["Name"] == f"{ZONE}."]
    zone = found[-1] if found else route53.create_hosted_zone(Name=ZONE, CallerReference=token_hex(8))["HostedZone"]
    return str(zone["Id"].rpartition("/")[2])


def answers_text(site: EmulatedSite, *, secret: str = "") -> str:
    """Answers for a commons there, as a person would write them. secret: where the client's secret is."""
    return "\n".join(
        [
            f"commons: {COMMONS}",
            "title: Reef Data Commons",
            "stage: dev",
            "account: research",
            f"hostname: {HOSTNAME}",
            "size: small",
            "cluster: new",
            "services: [standard]",
            f"zone: {{name: {ZONE}, id: {site.zone_id}}}",
            f"signIn: {{provider: google, clientId: reef-portal{secret}}}",
            "chart:",
            f"  repoURL: {site.charts.as_uri()}",
            "  path: gen3",
            f"  version: {site.charts_commit}",
            "",
        ]
    )


def _charts(folder: Path) -> str:
    """The commit of the charts, which are written if they are not there."""
    from csoc import bootstrap
    from csoc.cli.session import open_ports
    from csoc.emulator.platform_charts import chart_files, tags
    from csoc.fleet.repositories import SourceAddress

    if (folder / ".git").exists():
        with open_ports() as ports:
            return ports.repositories.open(SourceAddress(str(folder), trusted=True), "main").commit
    for path, content in chart_files().items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    packed = importlib.resources.files("csoc").joinpath("cli", "demo_fleet", "charts", "gen3")
    with importlib.resources.as_file(packed) as source:
        copy(source, folder / "gen3")
    return bootstrap.found_repository(folder, "Charts", name=_NAME, email=_EMAIL, tags=tags())


def _write_secret(path: Path, head: str, environ: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environ.items()))
    path.write_text(head + lines, encoding="utf-8")
