"""What values let csoc claim is what Helm's own rendering of the real environments shows.

Values are all that there is where no chart can be had, so the two ways to the same facts must agree.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from csoc.fleet.charts import RenderedObject, Rendering
from csoc.fleet.values import EffectiveValues, Layer, merge_mappings
from csoc.fleet.yaml import yamltext
from csoc.gen3.extract import extract
from csoc.gen3.facts import EnvironmentFacts, to_json
from csoc.gen3.state import EnvironmentState
from csoc.testing.states import environment_view, location

EXACT = {"secret", "hostname", "load balancer group", "certificate", "web acl"}
# b64enc of a database host that nobody gives; the chart of the archive renders neither.
UNRENDERABLE = {"brhprod/brhstaging.data-commons.org", "pdp-commons/mc2dp.data-commons.org"}
# Images that no values set for a service: helpers, tests, and a template that prints a map where an image belongs.
HELPERS = (
    *("alpine/", "bitnami/", "busybox", "curlimages/", "docker.io/curlimages/", "map[", "quay.io/cdis/awshelper"),
    *("quay.io/cdis/fence:master", "quay.io/cdis/gen3-integration-tests", "quay.io/cdis/node-affinity-daemonset"),
    *("quay.io/cdis/utilities", "quay.io/curl/", "quay.io/prometheus/busybox"),
)
# Images that stand in a configuration rather than in a pod of the rendering.
LATER = {"hatchery/sidecar", "ssjdispatcher/indexing"}
REMOTE = {"elasticsearch", "postgresql"}  # development servers that the archive leaves out


@dataclass(frozen=True)
class Real:
    """A real environment as its Application describes it."""

    name: str
    release: str
    namespace: str
    values: EffectiveValues


def environments(real: Path) -> Iterator[Real]:
    for path in sorted([*real.glob("gitops-*/*/*/app.yaml"), *real.glob("gitops-*/*/*/templates/app.yaml")]):
        top = real / path.relative_to(real).parts[0]
        spec = yamltext.parse(path.read_bytes())[0].data["spec"]
        for source in spec.get("sources") or [spec["source"]]:
            if source.get("path") == "helm/gen3":
                name = "/".join(path.relative_to(top).parts[:2])
                layers = [
                    Layer(file.name, yamltext.parse(file.read_bytes())[0].data, lambda _: location("values.yaml"))
                    for written in source["helm"]["valueFiles"]
                    if (file := top / written.removeprefix("$values/")).exists()
                ]
                release, namespace = source["helm"]["releaseName"], spec["destination"]["namespace"]
                yield Real(name, release, namespace, EffectiveValues.merge(layers))


@pytest.fixture(scope="module")
def defaults(real: Path) -> dict[str, Any]:
    """The chart's defaults; globals of subcharts are left out, since the umbrella's win."""
    charts: dict[str, Any] = {}
    umbrella: dict[str, Any] = {}
    with tarfile.open(real / "gen3-chart-0.3.90.tgz") as tar:
        for member in tar.getmembers():
            parts = member.name.split("/")
            handle = tar.extractfile(member)
            if handle is None or parts[-1] != "values.yaml" or len(parts) not in (2, 4):
                continue
            documents = yamltext.parse(handle.read())
            data = dict(documents[0].data) if documents else {}
            if len(parts) == 2:
                umbrella = data
            else:
                data.pop("global", None)
                charts[parts[2]] = data
    return merge_mappings(charts, umbrella)


def render(program: Path, real: Path, environment: Real, folder: Path) -> list[dict[str, Any]] | None:
    """The objects; None if Helm refuses."""
    values = folder / "values.json"
    values.write_text(json.dumps(environment.values.data))
    command = [str(program), "template", environment.release, str(real / "gen3-chart-0.3.90.tgz")]
    command += ["--namespace", environment.namespace, "--values", str(values), "--kube-version", "1.33"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        return None
    return [body for body in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if body]


def facts(environment: Real, defaults: dict[str, Any], objects: list[dict[str, Any]] | None = None) -> EnvironmentFacts:
    view = environment_view(
        environment.name,
        cluster=environment.name.split("/")[0],
        release=environment.release,
        namespace=environment.namespace,
    )
    rendering = Rendering(objects=[RenderedObject("t", body) for body in objects]) if objects is not None else None
    merged = merge_mappings(defaults, environment.values.data)
    return extract(EnvironmentState(view=view, values=environment.values, merged=merged, rendering=rendering))


def images(objects: list[dict[str, Any]]) -> set[str]:
    found = set()
    for body in objects:
        if body["kind"] in ("CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"):
            spec = body["spec"].get("jobTemplate", body)["spec"]["template"]["spec"]
            found |= {item["image"] for key in ("containers", "initContainers") for item in spec.get(key) or ()}
    return found


@pytest.mark.real
@pytest.mark.helm
def test_claims_and_images_from_values_are_those_of_the_rendering(
    real: Path, helm_program: Path, defaults: dict[str, Any], tmp_path: Path
) -> None:
    refused = set()
    for environment in environments(real):
        objects = render(helm_program, real, environment, tmp_path)
        if objects is None:
            refused.add(environment.name)
            continue
        guessed, exact = facts(environment, defaults), facts(environment, defaults, objects)
        assert {
            (item.kind, item.identity, item.scope, item.access) for item in guessed.claims if item.kind in EXACT
        } == {(item.kind, item.identity, item.scope, item.access) for item in exact.claims if item.kind in EXACT}, (
            environment.name
        )

        ours = {
            name: f"{item.repository}{'' if item.tag.startswith('@') else ':'}{item.tag}"
            for name, item in guessed.services.items()
            if item.enabled and name not in LATER | REMOTE
        }
        theirs = images(objects)
        assert set(ours.values()) <= theirs, environment.name
        assert {image for image in theirs - set(ours.values()) if not image.startswith(HELPERS)} == set()
    assert refused == UNRENDERABLE


@pytest.mark.real
def test_what_real_environments_own_together_is_known(real: Path, defaults: dict[str, Any]) -> None:
    """Read by hand: both environments of brhprod have one Application name and namespace, and two pairs leave the name
    of requestor's secret at its default. Nothing else that is meant for one is claimed by two."""
    owners: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for environment in environments(real):
        for item in facts(environment, defaults).claims:
            if item.access in ("own", "write"):
                owners[item.kind, item.scope, item.identity].add(environment.name)
    assert {key for key, names in owners.items() if len(names) > 1} == {
        ("cluster role", "brhprod", "wts-gen3-brhprod"),
        ("namespace", "brhprod", "brhprod-helm"),
        ("release", "brhprod", "brhprod-helm/gen3-brhprod"),
        ("secret", "205252583234/us-east-1", "requestor-g3auto"),
        ("secret", "885078588865/us-east-1", "requestor-g3auto"),
    }


@pytest.mark.real
def test_each_real_environment_is_in_the_account_that_its_arns_name(real: Path, defaults: dict[str, Any]) -> None:
    accounts = {
        environment.name: {item.scope for item in facts(environment, defaults).claims if item.kind == "secret"}
        for environment in environments(real)
    }
    assert accounts.pop("unfunded/caninedc.org") == set()  # its values.yaml does not exist
    assert {name.split("/")[0]: scope for name, scopes in accounts.items() for scope in scopes} == {
        "ardac1dmo": "613495871066/us-east-1",
        "ardac1prd": "742378880825/us-east-1",
        "ardac2prd": "742378880825/us-east-1",
        "brhprod": "885078588865/us-east-1",
        "chordsprod": "048463324059/us-east-1",
        "emalinowskiv1": "707767160287/us-east-1",
        "healprod": "205252583234/us-east-1",
        "kidsfirst-skfqa": "222487244010/us-east-1",
        "pdp-commons": "851725307933/us-east-1",
        "unfunded": "662843554732/us-east-1",
    }


@pytest.mark.real
def test_facts_of_a_real_environment_are_small(real: Path, defaults: dict[str, Any]) -> None:
    for environment in environments(real):
        assert len(to_json(facts(environment, defaults))) < 60_000, environment.name
