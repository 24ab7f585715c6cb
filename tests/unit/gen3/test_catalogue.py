"""The catalogue's facts are those of the chart, and its page is in step with them."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc.fleet.values import look_up, merge_mappings
from csoc.gen3 import catalogue

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "services.md"
REMOTE = {"elasticsearch", "postgresql"}  # not in the archive


def archive(real: Path) -> dict[str, str]:
    content = (real / "gen3-chart-0.3.90.tgz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {
            member.name.removeprefix("gen3/"): handle.read().decode("utf-8", "replace")
            for member in tar.getmembers()
            if (handle := tar.extractfile(member))
        }


@pytest.fixture(scope="module")
def facts() -> catalogue.Catalogue:
    return catalogue.load()


@pytest.fixture
def chart(real: Path) -> dict[str, str]:
    return archive(real)


@pytest.fixture
def defaults(chart: dict[str, str], facts: catalogue.Catalogue) -> dict[str, Any]:
    """Chart defaults as Helm coalesces them: what the umbrella says over what each chart says."""
    umbrella = yaml.safe_load(chart["values.yaml"])
    charts = {
        name: yaml.safe_load(chart[f"charts/{name}/values.yaml"]) or {}
        for name in facts.services
        if f"charts/{name}/values.yaml" in chart
    }
    return merge_mappings(charts, umbrella)


def test_the_page_is_what_the_data_says(facts: catalogue.Catalogue) -> None:
    assert PAGE.read_text(encoding="utf-8") == catalogue.reference_page(facts)


def test_every_dependency_owner_and_use_is_a_service(facts: catalogue.Catalogue) -> None:
    named = {
        name
        for service in facts
        for names in (*(item.any_of for item in service.requires), service.uses)
        for name in names
    }
    owners = {secret.owner for service in facts for secret in service.secrets if secret.owner}
    assert named | owners <= set(facts.services)
    assert all(service.name not in service.uses for service in facts)


def test_services_are_sorted_and_aliases_mean_one_service(facts: catalogue.Catalogue) -> None:
    assert list(facts.services) == sorted(facts.services)
    aliases = [alias for service in facts for alias in service.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(facts.services)


@pytest.mark.parametrize(
    ("name", "service"),
    [("audit-service", "audit"), ("tube", "etl"), ("fence-service", "fence"), ("workspace-token-service", "wts")],
)
def test_older_names_lead_to_the_service(facts: catalogue.Catalogue, name: str, service: str) -> None:
    found = facts.get(name)
    assert found is not None
    assert found.name == service
    assert facts.get("jenkins") is None


@pytest.mark.parametrize(
    ("repository", "service"),
    [
        ("1234.dkr.ecr.us-east-1.amazonaws.com/gen3/data-portal", "portal"),
        ("quay.io/cdis/gen3-spark:2025.06", "etl"),
        ("docker.io/mirror/nginx", "revproxy"),
    ],
)
def test_a_mirrored_image_leads_to_its_service(facts: catalogue.Catalogue, repository: str, service: str) -> None:
    found = facts.by_image(repository)
    assert found is not None
    assert found.name == service


def test_an_image_of_several_services_leads_to_none(facts: catalogue.Catalogue) -> None:
    assert facts.by_image("quay.io/cdis/gen3-vectis") is None


def test_defaults_have_the_shape_of_values(facts: catalogue.Catalogue) -> None:
    values = facts.defaults()
    assert look_up(values, ("fence", "enabled")) is True
    assert look_up(values, ("etl", "image", "tube", "repository")) == "quay.io/cdis/tube"
    assert look_up(values, ("elasticsearch", "imageTag")) == "7.10.2"


def test_names_and_conditions_are_those_of_the_chart(facts: catalogue.Catalogue, chart: dict[str, str]) -> None:
    umbrella = yaml.safe_load(chart["Chart.yaml"])
    stated = {entry["name"]: entry.get("condition", "") for entry in umbrella["dependencies"]}
    assert {service.name: service.condition for service in facts if service.name not in REMOTE} == stated


def test_what_is_on_by_default_is_on_in_the_chart(facts: catalogue.Catalogue, defaults: dict[str, Any]) -> None:
    wrong = [
        service.name
        for service in facts
        if service.condition and bool(look_up(defaults, tuple(service.condition.split(".")), False)) != service.enabled
    ]
    assert wrong == []


def test_images_and_tags_are_those_of_the_chart(
    facts: catalogue.Catalogue, chart: dict[str, str], defaults: dict[str, Any]
) -> None:
    wrong = []
    for service in facts:
        for image in service.images:
            block = look_up(defaults, tuple(image.path.split(".")))
            repository = block if isinstance(block, str) else block["repository"]
            if isinstance(block, dict) and "registry" in block:
                repository = f"{block['registry']}/{repository}"
            tag = look_up(defaults, tuple(image.tag_key.split("."))) or ""
            if not tag:
                tag = yaml.safe_load(chart[f"charts/{service.name}/Chart.yaml"])["appVersion"]
            if (repository, str(tag)) != (image.repository, image.tag):
                wrong.append((image.path, repository, tag))
    assert wrong == []


def test_every_image_that_a_chart_takes_from_values_is_known(facts: catalogue.Catalogue, chart: dict[str, str]) -> None:
    used = {
        f"{name.split('/')[1]}.{path}"
        for name, text in chart.items()
        if name.startswith("charts/") and name.count("/templates/") == 1 and name.count("charts/") == 1
        for path in re.findall(r"\{\{ *\.Values\.([\w.]+)\.repository *\}\}:", text)
    }
    known = {image.path for service in facts for image in service.images}
    assert used - known <= {"vectis-overlays.s3Monitor.initImage"}  # busybox that waits for a database


def test_ports_are_those_of_the_chart(
    facts: catalogue.Catalogue, chart: dict[str, str], defaults: dict[str, Any]
) -> None:
    wrong = []
    for service in facts:
        if service.port is None or service.name in REMOTE:
            continue
        texts = [
            text
            for name, text in chart.items()
            if name.startswith(f"charts/{service.name}/templates/") and not name.endswith(".txt")
        ]
        ports: set[int] = set()
        for text in texts:
            ports |= {int(port) for port in re.findall(r"containerPort: +(\d+)", text)}
            ports |= {
                look_up(defaults, (service.name, *path.split(".")))
                for path in re.findall(r"containerPort: +\{\{ \.Values\.([\w.]+) \}\}", text)
            }
        declared = look_up(defaults, (service.name, "service", "port"))
        if service.port not in ports and not (not ports and service.port == declared):
            wrong.append((service.name, service.port, ports))
    assert wrong == []


def test_services_that_make_their_database_are_those_with_the_job(
    facts: catalogue.Catalogue, chart: dict[str, str]
) -> None:
    with_job = {
        name.split("/")[1]
        for name, text in chart.items()
        if name.count("charts/") == 1 and "/templates/" in name and 'include "common.db_setup_job"' in text
    }
    assert {service.name for service in facts if service.database_job} == with_job


def test_names_in_secrets_manager_are_those_of_the_chart(facts: catalogue.Catalogue, chart: dict[str, str]) -> None:
    """Each helper that gives a default name, with the key that overrides it; databases have one helper for all."""
    stated = {
        (chart_name if not path.startswith("global.") else "", path, default)
        for name, text in chart.items()
        if re.fullmatch(r"charts/[^/]+/templates/[^/]+", name) and (chart_name := name.split("/")[1])
        for default, path in re.findall(r'default "([\w.-]+)" \.Values\.((?:global\.)?externalSecrets\.\w+)', text)
    }
    known = set()
    for service in facts:
        for secret in service.secrets:
            if secret.manager and secret.override and not secret.override.endswith(".dbcreds"):
                path = secret.override.removeprefix(f"{service.name}.")
                known.add(("" if path.startswith("global.") else service.name, path, secret.manager))
    conditional = {item for item in known if item[0] == "datareplicate"} | {
        ("indexd", "externalSecrets.serviceCreds", "indexd-service-creds")
    }  # written with if and else rather than with default
    unused = {("funnel", "externalSecrets.funnelG3auto", "funnel-g3auto")}  # a helper that nothing includes
    assert stated - unused == known - conditional


def test_databases_take_their_credentials_from_secrets_manager(
    facts: catalogue.Catalogue, chart: dict[str, str]
) -> None:
    with_external = {
        name.split("/")[1]
        for name, text in chart.items()
        if name.count("charts/") == 1 and "/templates/" in name and 'include "common.externalSecret.db"' in text
    }
    known = {
        service.name
        for service in facts
        for secret in service.secrets
        if secret.manager == f"{{environment}}-{service.name}-creds"
    }
    assert known == with_external


def test_flags_and_switches_stand_in_a_template(facts: catalogue.Catalogue, chart: dict[str, str]) -> None:
    wrong = []
    for service in facts:
        texts = "".join(
            text
            for name, text in chart.items()
            if name.startswith((f"charts/{service.name}/templates/", "charts/common/templates/"))
        )
        wrong += [
            (secret.name, path)
            for secret in service.secrets
            for path in (secret.keep_local, secret.switch, secret.only_with, secret.override)
            if path and f".Values.{path.removeprefix(service.name + '.')}" not in texts
        ]
    assert wrong == []


def test_flags_have_the_default_of_the_chart(facts: catalogue.Catalogue, defaults: dict[str, Any]) -> None:
    wrong = [
        secret.keep_local
        for service in facts
        for secret in service.secrets
        if secret.keep_local
        and bool(look_up(defaults, tuple(secret.keep_local.split(".")), False)) != secret.keep_local_default
    ]
    assert wrong == []


def test_health_paths_stand_in_the_chart(facts: catalogue.Catalogue, chart: dict[str, str]) -> None:
    wrong = [
        (service.name, service.health_path)
        for service in facts
        if service.health_path
        and not any(
            service.health_path in text
            for name, text in chart.items()
            if name.startswith(f"charts/{service.name}/") and ("/templates/" in name or name.endswith("values.yaml"))
        )
    ]
    assert wrong == []
