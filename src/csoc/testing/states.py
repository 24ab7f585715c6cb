"""Makes an `EnvironmentState` from a few lines of YAML, so that a rule's test shows nothing but the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from csoc.fleet.argocd.model import Application, ApplicationSource, HelmOptions, Problem
from csoc.fleet.charts import ChartRef, RenderedObject, RenderFailure, Rendering
from csoc.fleet.location import Location
from csoc.fleet.values import EffectiveValues, Layer, Path, merge_mappings
from csoc.fleet.yaml import yamltext
from csoc.gen3.facts import EnvironmentFacts
from csoc.gen3.findings import ChartUsed
from csoc.gen3.state import EnvironmentState, FleetState
from csoc.gen3.views import ClusterView, EnvironmentView, Fact, FleetView, unknown

COMMIT = "0" * 40
REPOSITORY = "git.example.org/fleet/gitops"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def location(path: str, line: int = 1) -> Location:
    """A place in the test's repository."""
    return Location(REPOSITORY, COMMIT, path, line, 1)


def layer(text: str, path: str = "values.yaml") -> Layer:
    """A value file of the test's repository."""
    documents = yamltext.parse(text.encode())
    if not documents:
        return Layer(path, {}, lambda _: None)
    document = documents[0]

    def locate(steps: Path) -> Location | None:
        place = document.position(steps)
        return Location(REPOSITORY, COMMIT, path, *place) if place else None

    def locate_text(steps: Path) -> Location | None:
        line = document.text_line(steps)
        return Location(REPOSITORY, COMMIT, path, line) if line else None

    return Layer(path, document.data, locate, locate_text)


def environment_view(
    name: str = "alpha-prod",
    *,
    stage: str = "prod",
    commons: str = "alpha",
    cluster: str = "alpha",
    slot: str = "",
    hostname: str = "alpha.example.org",
    release: str = "alpha",
    namespace: str = "alpha",
    application: Application | None = None,
    chart: ChartRef | None = None,
) -> EnvironmentView:
    """An environment whose every fact is known ("" for stage or hostname makes it unknown)."""
    source = ApplicationSource(
        repo_url="https://github.com/uc-cdis/gen3-helm",
        path="helm/gen3",
        target_revision="gen3-0.3.90",
        helm=HelmOptions(release_name=release),
        location=location(f"{name}/app.yaml", 8),
    )
    return EnvironmentView(
        name=name,
        commons=Fact(commons, "test"),
        cluster=Fact(cluster, "test"),
        stage=Fact(stage, "test") if stage else unknown("test"),
        slot=Fact(slot, "test"),
        hostname=Fact(hostname, "test") if hostname else unknown("test"),
        namespace=namespace,
        release=release,
        application=application
        or Application(
            name=f"gen3-{name}",
            location=location(f"{name}/app.yaml"),
            sources=(source,),
            namespace="argocd",
            project="default",
            destination_namespace=namespace,
            automated=True,
        ),
        source=(application.sources[0] if application else source),
        chart=chart or ChartRef("https://github.com/uc-cdis/gen3-helm", path="helm/gen3", revision="gen3-0.3.90"),
    )


def environment_state(
    values: str = "",
    *,
    defaults: Mapping[str, Any] | None = None,
    objects: Sequence[Mapping[str, Any]] | None = None,
    failure: RenderFailure | None = None,
    view: EnvironmentView | None = None,
    chart_keys: frozenset[str] | None = None,
    context: Mapping[str, Any] | None = None,
    **facts: Any,
) -> EnvironmentState:
    """A state from the YAML of its only value file; objects are rendered manifests; facts go to `environment_view`."""
    effective = EffectiveValues.merge([layer(values)])
    rendering = None
    if objects is not None or failure is not None:
        rendered = [RenderedObject("templates/test.yaml", body) for body in objects or ()]
        rendering = Rendering(objects=rendered, values=effective.data, failure=failure)
    return EnvironmentState(
        view=view or environment_view(**facts),
        values=effective,
        merged=merge_mappings(defaults or {}, effective.data),
        rendering=rendering,
        chart_used=ChartUsed("gen3-0.3.90", "gen3-0.3.90", differs=False) if rendering else None,
        chart_keys=chart_keys,
        context=context or {"now": NOW},
    )


def fleet_state(
    environments: Sequence[EnvironmentView],
    facts: Mapping[str, EnvironmentFacts] | None = None,
    *,
    states: Mapping[str, EnvironmentState] | None = None,
    clusters: Sequence[ClusterView] = (),
    problems: Sequence[Problem] = (),
    stages: Sequence[str] = ("dev", "staging", "prod"),
    context: Mapping[str, Any] | None = None,
) -> FleetState:
    """A fleet of these environments; facts default to empty ones, states to ones without values."""
    view = FleetView(
        environments=tuple(environments),
        clusters=tuple(clusters),
        commons=(),
        others=(),
        problems=tuple(problems),
        read=((REPOSITORY, "main", COMMIT),),
        stages=tuple(stages),
    )
    known = dict(states or {})
    all_facts = {item.name: EnvironmentFacts(item.name) for item in environments} | dict(facts or {})
    by_name = {item.name: item for item in environments}
    return FleetState(
        view=view,
        facts=all_facts,
        states=lambda name: known.get(name) or environment_state(view=by_name[name]),
        context=context or {"now": NOW},
    )
