"""From Gen3 Applications to environments: hostname, stage, commons, slot and name, each with its reason.

Two Gen3 Applications of one commons can be blue and green; hostnames, releases, namespaces and folders follow no common
rule. So every fact asks several witnesses in order of trust, and says which one answered.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from csoc.fleet.argocd.model import Application, ApplicationSource
from csoc.fleet.charts import ChartRef
from csoc.fleet.location import Location
from csoc.fleet.values import EffectiveValues
from csoc.gen3.adoption.naming import (
    STAGE_ORDER,
    commons_key,
    commons_names,
    find_stage,
    is_hostname,
    registrable,
    slug,
    stage_order,
)
from csoc.gen3.views import HELM, UNKNOWN, CommonsView, EnvironmentView, Fact, unknown

# An annotation for a blue or green that is not (yet) the public one.
_WAITING = frozenset({"new", "next", "green"})


@dataclass(frozen=True, slots=True)
class Stated:
    """What a person wrote about an environment in a csoc document; "" where they left it to inference."""

    name: str
    location: Location
    commons: str = ""
    cluster: str = ""
    stage: str = ""
    slot: str = ""
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One Application source that deploys Gen3, with what is needed to make an environment of it.

    wrapper: the key below which the Gen3 values stand, "" if at the top. cluster: where it runs. pinned: the revisions
    of chart and values cannot move by themselves. stated: a csoc document about it.
    """

    application: Application
    source: ApplicationSource
    values: EffectiveValues
    chart: ChartRef
    cluster: Fact
    wrapper: str = ""
    pinned: bool = False
    stated: Stated | None = None
    system: str = HELM


@dataclass(slots=True)
class _Draft:
    candidate: Candidate
    hostname: Fact
    stage: Fact
    key: str
    commons: Fact = field(default_factory=lambda: unknown("not looked at yet"))
    slot: Fact = field(default_factory=lambda: unknown("not looked at yet"))
    name: str = ""


def infer_environments(
    candidates: Sequence[Candidate], taken: Mapping[str, str] | None = None
) -> tuple[list[EnvironmentView], list[CommonsView]]:
    """Environments and commons, in the order of commons, stage, name. taken: names that are in use already."""
    drafts = [_draft(candidate) for candidate in candidates]
    _name_commons(drafts)
    _stages_from_siblings(drafts)
    _find_slots(drafts)
    _name_environments(drafts, set(taken or ()))
    drafts.sort(key=lambda draft: (draft.commons.value, stage_order(draft.stage.value), draft.name))
    commons: dict[str, list[_Draft]] = defaultdict(list)
    for draft in drafts:
        commons[draft.commons.value].append(draft)
    return (
        [_view(draft) for draft in drafts],
        [CommonsView(name, group[0].commons.reason, tuple(d.name for d in group)) for name, group in commons.items()],
    )


def commons_by_files(candidates: Sequence[Candidate]) -> dict[tuple[str, str, int, str], str]:
    """The commons that each Application's hostname gives away, by the Application's identity, whatever documents say;
    UNKNOWN where the values that could be read set none."""
    hostnames = {item.application.identity: _hostname(replace(item, stated=None), place=False) for item in candidates}
    keys = {identity: commons_key(fact.value) for identity, fact in hostnames.items() if fact.known}
    names = commons_names(keys.values())
    return {identity: names[keys[identity]] if fact.known else UNKNOWN for identity, fact in hostnames.items()}


def hostname_by_files(candidate: Candidate) -> Fact:
    """The hostname that the values set, and where, whatever documents say."""
    return _hostname(replace(candidate, stated=None))


def _value(candidate: Candidate, *path: str, place: bool = True) -> tuple[object, Location | None]:
    """A value of the Gen3 chart, below the wrapper first, and where it stands; finding the place costs a reading of the
    file."""
    for prefix in ((candidate.wrapper,), ()) if candidate.wrapper else ((),):
        full = (*prefix, *path)
        found = candidate.values.get(full)
        if found is not None:
            return found, candidate.values.origin(full) if place else None
    return None, None


def _draft(candidate: Candidate) -> _Draft:
    hostname = _hostname(candidate)
    return _Draft(candidate, hostname, _stage(candidate, hostname), _commons_key(candidate, hostname))


def _hostname(candidate: Candidate, *, place: bool = True) -> Fact:
    if candidate.stated and candidate.stated.hostname:
        return Fact(candidate.stated.hostname, "written in its csoc document", candidate.stated.location, stated=True)
    value, location = _value(candidate, "global", "hostname", place=place)
    if isinstance(value, str) and is_hostname(value):
        return Fact(value.lower(), "global.hostname", location)
    if value is not None:
        return Fact(UNKNOWN, "global.hostname is not a DNS name", location)
    for part in reversed(candidate.application.location.path.split("/")[:-1]):
        if is_hostname(part) and registrable(part)[1][-1] not in ("yaml", "d"):
            return Fact(part.lower(), "no value sets it, and its folder is named like a hostname", None)
    return unknown("no value file that could be read sets global.hostname")


def _stage(candidate: Candidate, hostname: Fact) -> Fact:
    if candidate.stated and candidate.stated.stage:
        return Fact(candidate.stated.stage, "written in its csoc document", candidate.stated.location, stated=True)
    application = candidate.application
    environment, environment_location = _value(candidate, "global", "environment")
    front = " ".join(registrable(hostname.value)[0]) if hostname.known else ""
    witnesses: list[tuple[str, str, Location | None]] = [
        (front, f"the hostname {hostname.value} says", hostname.location),
        (application.name, f"the Application is named {application.name}:", application.location),
        (_release(candidate), f"the release is named {_release(candidate)}:", application.location),
        (application.destination_namespace, f"the namespace is {application.destination_namespace}:", None),
        (str(environment or ""), f"global.environment is {environment}:", environment_location),
    ]
    said = [(found.stage, f"{words} {found.stage}", at) for text, words, at in witnesses if (found := find_stage(text))]
    if said:
        stage, reason, location = said[0]
        other = next((words for named, words, _ in said if named != stage), "")
        return Fact(stage, f"{reason}, though {other}" if other else reason, location)
    if _value(candidate, "global", "dev")[0] is True:
        return Fact("dev", "global.dev is true", _value(candidate, "global", "dev")[1])
    cluster = candidate.cluster.value
    found = find_stage(cluster) if candidate.cluster.known else None
    if found:
        return Fact(found.stage, f"nothing else says, and its cluster is named {cluster}: {found.stage}", None)
    return unknown("no name says: hostname, Application, release, namespace, environment, cluster")


def _commons_key(candidate: Candidate, hostname: Fact) -> str:
    if hostname.known:
        return commons_key(hostname.value)
    return f"{slug(_release(candidate))}.invalid"


def _release(candidate: Candidate) -> str:
    helm = candidate.source.helm
    return (helm.release_name if helm else "") or candidate.application.name


def _name_commons(drafts: Sequence[_Draft]) -> None:
    names = commons_names(draft.key for draft in drafts)
    for draft in drafts:
        stated = draft.candidate.stated
        if stated and stated.commons:
            draft.commons = Fact(stated.commons, "written in its csoc document", stated.location, stated=True)
        elif draft.hostname.known:
            reason = f"hostnames of {draft.key}" if draft.key != draft.hostname.value else f"the hostname {draft.key}"
            draft.commons = Fact(names[draft.key], reason, draft.hostname.location)
        else:
            draft.commons = Fact(names[draft.key], f"the release {_release(draft.candidate)}; its hostname is unknown")


def _stages_from_siblings(drafts: Sequence[_Draft]) -> None:
    """A hostname without a stage word, beside siblings that have one, is the commons' public name."""
    known: dict[str, list[_Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.stage.known:
            known[draft.commons.value].append(draft)
    for draft in drafts:
        siblings = known[draft.commons.value]
        if draft.stage.known or not draft.hostname.known or not siblings:
            continue
        if all(other.stage.value != "prod" for other in siblings):
            other = siblings[0]
            draft.stage = Fact(
                "prod",
                f"its hostname has no stage word, and {other.hostname.value} beside it is {other.stage.value}",
                draft.hostname.location,
            )


def _find_slots(drafts: Sequence[_Draft]) -> None:
    groups: dict[tuple[str, str], list[_Draft]] = defaultdict(list)
    for draft in drafts:
        groups[draft.commons.value, draft.stage.value].append(draft)
        draft.slot = Fact("", "the only one of its commons and stage")
    for (commons, stage), group in groups.items():
        for draft in group:
            stated = draft.candidate.stated
            if stated and stated.slot:
                draft.slot = Fact(stated.slot, "written in its csoc document", stated.location, stated=True)
        open_ones = [draft for draft in group if not draft.slot.stated]
        if len(group) == 1 or not open_ones:
            continue
        if len(group) == 2 and len(open_ones) == 2 and stage != UNKNOWN:
            serving, waiting = sorted(group, key=_waiting)
            reason = f"two environments of {commons} {stage}:"
            serving.slot = Fact("blue", f"{reason} {serving.hostname.value} is the public hostname")
            waiting.slot = Fact("green", f"{reason} {waiting.hostname.value} stands beside {serving.hostname.value}")
        else:
            for draft in open_ones:
                draft.slot = unknown(f"{len(group)} environments of {commons} have the stage {stage}")


def _waiting(draft: _Draft) -> tuple[bool, int, str, str]:
    labels = registrable(draft.hostname.value)[0] if draft.hostname.known else []
    candidate = draft.candidate
    return (
        bool(_WAITING & set(labels)),
        len(labels),
        candidate.cluster.value,
        candidate.application.location.path,
    )


def _name_environments(drafts: Sequence[_Draft], used: set[str]) -> None:
    for draft in drafts:
        if draft.candidate.stated:
            draft.name = draft.candidate.stated.name
            used.add(draft.name)
    wanted = {id(draft): _wanted_name(draft) for draft in drafts if not draft.name}
    count = Counter(wanted.values())
    for draft in drafts:
        if draft.name:
            continue
        name = wanted[id(draft)]
        if count[name] > 1 or name in used:
            name = slug(f"{name}-{draft.candidate.cluster.value}") if draft.candidate.cluster.known else name
        base, number = name, 2
        while name in used:
            name, number = f"{base}-{number}", number + 1
        draft.name = name
        used.add(name)


def _wanted_name(draft: _Draft) -> str:
    parts = [draft.commons.value]
    if draft.stage.known:
        parts.append(draft.stage.value)
    if draft.slot.known and draft.slot.value:
        parts.append(draft.slot.value)
    return slug("-".join(parts))


def _view(draft: _Draft) -> EnvironmentView:
    candidate = draft.candidate
    cluster = candidate.cluster
    if candidate.stated and candidate.stated.cluster:
        cluster = Fact(candidate.stated.cluster, "written in its csoc document", candidate.stated.location, stated=True)
    return EnvironmentView(
        name=draft.name,
        commons=draft.commons,
        cluster=cluster,
        stage=draft.stage,
        slot=draft.slot,
        hostname=draft.hostname,
        namespace=candidate.application.destination_namespace,
        release=_release(candidate),
        application=candidate.application,
        source=candidate.source,
        chart=candidate.chart,
        wrapper=candidate.wrapper,
        gated=candidate.pinned,
        document=candidate.stated.location if candidate.stated else None,
        system=candidate.system,
    )


def stages_in_order(views: Sequence[EnvironmentView], stated: Sequence[str] = ()) -> list[str]:
    """The fleet's stages: as written, else those found, in the usual order of promotion."""
    if stated:
        return list(stated)
    found = {view.stage.value for view in views if view.stage.known}
    ordered = [stage for stage in STAGE_ORDER if stage in found]
    return ordered + sorted(found - set(ordered))
