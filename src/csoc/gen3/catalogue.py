"""What is known about the services of the Gen3 chart before any chart is at hand.

Rules, adoption and extraction need to know that audit needs a queue, that wts is called workspace-token-service
elsewhere, and which name fence's configuration has in Secrets Manager when nobody names one. The chart says all that in
templates, scattered and unsearchable; here it is data, for one chart version, and a test compares the data with that
version's archive so that a wrong fact surfaces. Where a chart is at hand, what it says wins over this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

CHART = "gen3"
"""Name of the umbrella chart whose services these are, and the key of its values in a chart that wraps it."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that a service runs. path: where values set it. role: "main", or what else it does. tag_path: where the
    tag stands if not at path + ".tag"."""

    role: str
    path: str
    repository: str
    tag: str
    tag_path: str = ""

    @property
    def tag_key(self) -> str:
        return self.tag_path or f"{self.path}.tag"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Kubernetes secret that a service reads.

    manager: its default name in Secrets Manager, "{environment}" standing for global.environment; "" if it has none
    (made by Helm, or by hand). override: values path that names it instead. keep_local: values path of the flag that
    keeps the external one from being made, with that flag's default. switch: values path that turns external secrets on
    ("" with a manager or override: always on). only_with: values path that must be true as well. shape: "whole" (the
    value becomes the single key), "properties" (JSON, the keys are read from it), "object" (JSON, every property
    becomes a key), "". owner: the service that makes it, where another one does.
    """

    name: str
    keys: tuple[str, ...] = ()
    manager: str = ""
    override: str = ""
    keep_local: str = ""
    keep_local_default: bool = False
    switch: str = ""
    only_with: str = ""
    shape: str = ""
    owner: str = ""

    @property
    def external(self) -> bool:
        """True if it can come from Secrets Manager."""
        return bool(self.manager or self.override)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Services of which one must be on, or the service does not work; because: what fails, as half a sentence."""

    any_of: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Service:
    """One chart below the umbrella.

    kind: "service", "job", "proxy", "datastore", "policy" or "library". version: of this chart in that release.
    condition: values path that switches it on, "" for always. enabled: that condition's default. port: of the
    container, None if it listens to nobody. postgres: needs a database; database_job: and makes it itself. search:
    needs Elasticsearch or OpenSearch. requires: hard; uses: works without. aliases: its names in older manifests and
    images.
    """

    name: str
    kind: str
    purpose: str
    version: str
    condition: str
    enabled: bool
    images: tuple[Image, ...] = ()
    port: int | None = None
    health_path: str = ""
    kubernetes_services: tuple[str, ...] = ()
    postgres: bool = False
    database_job: bool = False
    search: bool = False
    aws: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    uses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All services by name, in order. chart_version: the release of the gen3 chart that the facts hold for.
    umbrella_secrets: those that the umbrella chart makes itself."""

    chart_version: str
    services: Mapping[str, Service]
    umbrella_secrets: tuple[Secret, ...] = ()
    _names: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Service]:
        return iter(self.services.values())

    def get(self, name: str) -> Service | None:
        """The service of that name, alias or "<name>-service"; None if there is none."""
        key = self._names.get(name) or self._names.get(name.removesuffix("-service"))
        return self.services[key] if key else None

    def by_image(self, repository: str) -> Service | None:
        """The service whose image has the same last path segment, whatever registry it was mirrored to."""
        last = repository.rsplit("/", 1)[-1].split(":")[0].split("@")[0]
        owners = {
            service.name
            for service in self
            for image in service.images
            if image.repository.rsplit("/", 1)[-1] == last and image.role in ("main", "tube", "spark")
        }
        if len(owners) == 1:
            return self.services[owners.pop()]
        return self.get(last)

    def defaults(self) -> dict[str, Any]:
        """Values as the chart's own defaults would be, as far as the catalogue knows them: conditions and images."""
        values: dict[str, Any] = {}
        for service in self:
            if service.condition and service.condition != "global.dev":
                _put(values, service.condition, service.enabled)
            for image in service.images:
                if image.tag_path:
                    _put(values, image.path, image.repository)
                else:
                    _put(values, f"{image.path}.repository", image.repository)
                _put(values, image.tag_key, image.tag)
        _put(values, "global.dev", True)
        _put(values, "global.environment", "default")
        return values


def _put(values: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split(".")
    for step in parents:
        values = values.setdefault(step, {})
    values[last] = value


@cache
def load() -> Catalogue:
    """The catalogue that the package brings along; read once."""
    text = resources.files("csoc.gen3").joinpath("data/services.json").read_text(encoding="utf-8")
    data = json.loads(text)
    services = {entry["name"]: _service(entry) for entry in data["services"]}
    names = {alias: service.name for service in services.values() for alias in service.aliases}
    names |= {name: name for name in services}
    return Catalogue(data["chart_version"], services, tuple(map(_secret, data["umbrella_secrets"])), names)


def _service(entry: Mapping[str, Any]) -> Service:
    plain = {key: value for key, value in entry.items() if not isinstance(value, list)}
    return Service(
        **plain,
        images=tuple(Image(**image) for image in entry["images"]),
        kubernetes_services=tuple(entry["kubernetes_services"]),
        aws=tuple(entry["aws"]),
        requires=tuple(Requirement(tuple(item["any_of"]), item["because"]) for item in entry["requires"]),
        uses=tuple(entry["uses"]),
        aliases=tuple(entry["aliases"]),
        secrets=tuple(map(_secret, entry["secrets"])),
    )


def _secret(entry: Mapping[str, Any]) -> Secret:
    return Secret(**{**entry, "keys": tuple(entry["keys"])})


def reference_page(catalogue: Catalogue) -> str:
    """docs/reference/services.md, as Markdown."""
    lines = [
        "# Services of the Gen3 chart",
        "",
        f"What csoc knows of the gen3 chart {catalogue.chart_version}. Generated from",
        "`src/csoc/gen3/data/services.json` by `csoc.gen3.catalogue.reference_page`; a test keeps it in step.",
        "",
        "| service | what it does | switched by | default | image | port | health | needs | works with |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_service_row(service) for service in catalogue]
    lines += [
        "",
        "## Secrets",
        "",
        "`{environment}` stands for `global.environment`. *whole*: the value becomes the single key; *properties*:",
        "JSON that holds the keys; *object*: JSON whose every property becomes a key. Secrets without a name there are",
        "made by Helm, by a job or by hand.",
        "",
        "| service | Kubernetes secret | keys | in Secrets Manager | named by | kept local by | shape |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_secret_row(CHART, secret) for secret in catalogue.umbrella_secrets]
    lines += [_secret_row(service.name, secret) for service in catalogue for secret in service.secrets]
    return "\n".join(lines) + "\n"


def _service_row(service: Service) -> str:
    needs = [" or ".join(item.any_of) for item in service.requires]
    needs += ["PostgreSQL"] * service.postgres + ["search"] * service.search + list(service.aws)
    return _row(
        service.name,
        service.purpose,
        _code(service.condition),
        "on" if service.enabled else "off",
        "<br>".join(f"{image.repository}:{image.tag}" for image in service.images),
        "" if service.port is None else str(service.port),
        _code(service.health_path),
        ", ".join(needs),
        ", ".join(service.uses),
    )


def _secret_row(service: str, secret: Secret) -> str:
    kept = _code(secret.keep_local) + (" (on by default)" if secret.keep_local_default else "")
    made = f"made by {secret.owner}" if secret.owner else _code(secret.manager)
    return _row(service, _code(secret.name), ", ".join(secret.keys), made, _code(secret.override), kept, secret.shape)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
