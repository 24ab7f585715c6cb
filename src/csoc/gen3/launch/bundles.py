"""Which services a commons gets: bundles for what people want, and what each service needs besides.

The chart switches fourteen services on by itself and leaves some that most commons want off. So every service that can
be switched is written down, on or off: a later chart with other defaults changes nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from csoc.errors import RejectedError
from csoc.gen3.catalogue import Catalogue, Service, load


@dataclass(frozen=True, slots=True)
class Bundle:
    """Services that people want together. services: name to why it is in here. includes: other bundles."""

    name: str
    what: str
    services: Mapping[str, str]
    includes: tuple[str, ...] = ()


def _bundle(name: str, what: str, services: Mapping[str, str], *includes: str) -> Bundle:
    return Bundle(name, what, MappingProxyType(dict(services)), includes)


BUNDLES: Mapping[str, Bundle] = MappingProxyType(
    {
        bundle.name: bundle
        for bundle in (
            _bundle(
                "minimal",
                "sign in, submit, index and query data",
                {
                    "revproxy": "the way in",
                    "arborist": "decides who may do what",
                    "fence": "signs people in and signs addresses of files",
                    "indexd": "knows where files are",
                    "sheepdog": "takes submissions",
                    "peregrine": "answers queries",
                    "portal": "the pages that people see",
                },
            ),
            _bundle(
                "standard",
                "a commons as most organisations run it",
                {
                    "audit": "keeps who signed in and who downloaded what",
                    "metadata": "holds metadata of studies and files",
                    "manifestservice": "keeps lists of files for workspaces and downloads",
                    "requestor": "takes requests for access",
                    "sower": "exports data",
                    "ssjdispatcher": "indexes what is uploaded",
                    "wts": "gives tokens to workspaces and other commons",
                },
                "minimal",
            ),
            _bundle(
                "explorer",
                "search and charts over all data; its guppy starts once the ETL has run for the first time",
                {
                    "aws-es-proxy": "signs requests to the search domain",
                    "etl": "copies submitted data into the search domain",
                    "guppy": "answers the explorer's queries",
                },
                "minimal",
            ),
            _bundle(
                "workspaces",
                "notebooks beside the data",
                {
                    "hatchery": "starts workspaces",
                    "ambassador": "leads a browser to its workspace",
                    "wts": "gives workspaces tokens of their user",
                    "manifestservice": "hands lists of files to workspaces",
                },
                "minimal",
            ),
            _bundle(
                "imaging",
                "medical images: a DICOM server and a viewer",
                {"orthanc": "holds images", "ohif-viewer": "shows them"},
                "minimal",
            ),
            _bundle(
                "mesh",
                "discovery over several commons, its members",
                {
                    "metadata": "collects the metadata of the members",
                    "aws-es-proxy": "signs requests to the search domain that holds what was collected",
                    "frontend-framework": "the pages for discovery, beside the portal",
                    "wts": "gives tokens to tools that work on several commons",
                },
                "minimal",
            ),
        )
    }
)
"""By name, in the order in which people meet them."""

DEFAULT = ("standard",)

OFFERED: Mapping[str, str] = MappingProxyType(
    {
        "gen3-user-data-library": "lists that people keep for themselves",
        **{name: why for bundle in BUNDLES.values() for name, why in bundle.services.items()},
    }
)
"""Services that csoc can make everything for: databases, secrets, roles, buckets."""

NOT_OFFERED: Mapping[str, str] = MappingProxyType(
    {
        "access-backend": "it wants a key of a GitHub organisation and a list of users that only you can write",
        "argo-wrapper": "it wants Argo Workflows in the cluster, with buckets and a volume of their own",
        "aws-sigv4-proxy": "it takes the place of aws-es-proxy, with the same names; csoc uses aws-es-proxy",
        "cedar": "its ingestion wants credentials that no part of the chart makes",
        "cohort-middleware": "it reads an OHDSI database that exists already",
        "common": "it is a library of the chart",
        "dashboard": "it shows pages from a bucket that you keep",
        "data-upload-cron": "it wants an access key of AWS, and csoc makes none",
        "datareplicate": "it wants access keys of AWS and Google, and csoc makes none",
        "dicom-server": "the tag of its image is not valid in this chart; orthanc does the same",
        "elasticsearch": "it is for development; csoc makes a search domain",
        "embedding-management-service": "its image is a branch's, and no release is known",
        "funnel": "it comes with gen3-workflow",
        "gen3-analysis": "no release of its image is known",
        "gen3-embeddings": "its template asks for an API of External Secrets that csoc's operator does not serve",
        "gen3-network-policies": "its policies hold for networks in 172.0.0.0/8 only",
        "gen3-workflow": "it makes roles and users of IAM by itself, which csoc's permissions boundary does not allow",
        "jeg": "its image is a test build",
        "neuvector": "it is switched on beside NeuVector, which is installed separately",
        "ohdsi-atlas": "it goes with ohdsi-webapi",
        "ohdsi-webapi": "its template asks for an API of External Secrets that csoc's operator does not serve",
        "postgresql": "it is for development; csoc makes a database",
        "vectis-overlays": "its template asks for an API of External Secrets that csoc's operator does not serve",
        "workspace-proxy": "it goes with jeg, whose image is a test build",
        "zendesk-wrapper": "its template asks for an API of External Secrets that csoc's operator does not serve",
    }
)
"""Services that csoc does not launch, and why. Add them to the values by hand, where you know what they need."""

PREFERRED = ("ambassador", "orthanc")
"""Where one of several services is needed, the one that is taken if none was asked for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """on: services that will run, each with the reason. off: services of the chart that will not. asked: bundles and
    services as they were asked for."""

    on: Mapping[str, str]
    off: tuple[str, ...]
    asked: tuple[str, ...]
    members: bool = False

    def __contains__(self, service: str) -> bool:
        return service in self.on


def select(asked: Sequence[str], catalogue: Catalogue | None = None) -> Selection:
    """The services for what was asked: bundles, and names of services as the catalogue or an image calls them.

    Raises RejectedError, for everything that is wrong at once.
    """
    known = catalogue or load()
    wanted: dict[str, str] = {}
    wrong: list[str] = []
    names = tuple(dict.fromkeys(asked)) or DEFAULT
    for name in names:
        mistake = _take(name, known, wanted)
        if mistake:
            wrong.append(mistake)
    if wrong:
        raise RejectedError(". ".join(wrong), place="services", fix=f"There are the bundles {', '.join(BUNDLES)}")
    for reason, name in _core(wanted):
        wanted.setdefault(name, reason)
    _complete(known, wanted)
    order = [service.name for service in known]
    return Selection(
        on=MappingProxyType({name: wanted[name] for name in order if name in wanted}),
        off=tuple(service.name for service in known if switch_of(service) and service.name not in wanted),
        asked=names,
        members="mesh" in names,
    )


def switch_of(service: Service) -> str:
    """The values path that switches a service, "" where it has none of its own."""
    own = f"{service.name}.enabled"
    return own if service.condition == own else ""


def mistake_in(name: str, catalogue: Catalogue | None = None) -> str:
    """What is wrong with one bundle or service that was asked for, as a sentence; "" if nothing is."""
    return _take(name, catalogue or load(), {})


def _take(name: str, catalogue: Catalogue, wanted: dict[str, str]) -> str:
    if name in BUNDLES:
        for bundle in reversed(_with_included(name)):
            for service, reason in bundle.services.items():
                wanted.setdefault(service, f"{bundle.name}: {reason}")
        return ""
    found = catalogue.get(name)
    if found is None:
        return f'There is no bundle and no service "{_short(name)}"{_nearest(name)}'
    if found.name not in OFFERED:
        return f"csoc does not launch {found.name}: {NOT_OFFERED[found.name]}"
    wanted.setdefault(found.name, "asked for")
    return ""


def _with_included(name: str) -> list[Bundle]:
    bundle = BUNDLES[name]
    return [bundle, *(inner for other in bundle.includes for inner in _with_included(other))]


def _core(wanted: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Without these no address answers, whatever else was asked for."""
    yield "the way in", "revproxy"
    yield "decides who may do what", "arborist"
    yield "signs people in", "fence"
    if "frontend-framework" not in wanted:
        yield "the pages that people see", "portal"


NEEDS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "portal": (
            ("sheepdog", "its pages for submission ask it"),
            ("peregrine", "its front page counts what there is"),
        ),
        "guppy": (("etl", "it makes the indices that guppy reads"), ("aws-es-proxy", "it leads to the search domain")),
        "etl": (("aws-es-proxy", "it leads to the search domain"),),
        "hatchery": (("wts", "workspaces get their tokens from it"),),
        "sower": (("sheepdog", "its jobs read sheepdog's database"), ("indexd", "its jobs look files up")),
        "ssjdispatcher": (("indexd", "its jobs write to it"), ("metadata", "its jobs write to it")),
    }
)
"""What services need besides the catalogue's requirements, which say what keeps pods from starting: without these a
service runs and does nothing useful."""


def _complete(catalogue: Catalogue, wanted: dict[str, str]) -> None:
    """Adds what services need until nothing is missing."""
    pending = list(wanted)
    while pending:
        name = pending.pop()
        service = catalogue.services[name]
        for requirement in service.requires:
            if any(one in wanted for one in requirement.any_of):
                continue
            chosen = next((one for one in requirement.any_of if one in PREFERRED), requirement.any_of[0])
            wanted[chosen] = f"{name} needs it: {requirement.because}"
            pending.append(chosen)
        for needed, reason in NEEDS.get(name, ()):
            if needed not in wanted:
                wanted[needed] = f"{name} needs it: {reason}"
                pending.append(needed)


def needs_search(on: Iterable[str]) -> bool:
    """Whether a search domain is needed."""
    return "aws-es-proxy" in on


def needs_database(on: Iterable[str], catalogue: Catalogue | None = None) -> tuple[str, ...]:
    """Services with a database of their own, which a job of the chart makes."""
    known = catalogue or load()
    return tuple(name for name in on if known.services[name].database_job)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), [*BUNDLES, *OFFERED], n=1, cutoff=0.6)
    return f'. Did you mean "{close[0]}"?' if close else ""


def _short(name: str) -> str:
    return name if name.isprintable() and len(name) <= 60 else "(a long name)"
