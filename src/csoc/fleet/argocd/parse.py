"""Application, AppProject and cluster Secret documents as values, with the line of everything a finding points to.

Field meanings are Argo CD's own (pkg/apis/application/v1alpha1/types.go): `sources` wins over `source`, a source
hydrator's dry source over both, `valuesObject` over `values`, and the release is named after the Application unless
`releaseName` says otherwise.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd.model import (
    Application,
    ApplicationSource,
    HelmOptions,
    IgnoredDifference,
    KnownCluster,
    Parameter,
    Problem,
    Project,
    ValueFile,
)
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD, Fields, Manifest, Place
from csoc.fleet.location import Location
from csoc.fleet.values import Path
from csoc.fleet.yaml import yamltext

CLUSTER_SECRET_LABEL = "argocd.argoproj.io/secret-type"  # noqa: S105 - the name of a label


def application(
    manifest: Manifest, problems: list[Problem], *, generated_by: Location | None = None
) -> Application | None:
    """The Application of a manifest, or None (with a Problem) if it has no name. Appends what is wrong to problems."""
    name = _name(manifest, "Application", problems)
    if not name:
        return None
    top = Fields(manifest.data, (), manifest.place, problems, f'Application "{name}"')
    metadata = top.child("metadata") or Fields({}, ("metadata",), manifest.place, problems, top.what)
    spec = top.child("spec")
    if spec is None:
        if manifest.data.get("spec") is None:
            top.complain(("spec",), "is missing")
        spec = Fields({}, ("spec",), manifest.place, problems, top.what)
    sources, hydrated, multiple = _sources(spec, name)
    destination = spec.child("destination") or Fields({}, ("spec", "destination"), manifest.place, problems, top.what)
    policy = spec.child("syncPolicy")
    automated = policy.child("automated") if policy else None
    return Application(
        name=name,
        location=manifest.location,
        sources=sources,
        document=manifest.index,
        namespace=metadata.text("namespace"),
        project=spec.text("project"),
        destination_server=destination.text("server"),
        destination_name=destination.text("name"),
        destination_namespace=destination.text("namespace"),
        automated=automated is not None and automated.flag("enabled", default=True),
        prune=automated is not None and automated.flag("prune"),
        self_heal=automated is not None and automated.flag("selfHeal"),
        sync_options=tuple(text for text, _ in policy.texts("syncOptions")) if policy else (),
        finalizers=tuple(text for text, _ in metadata.texts("finalizers")),
        labels=metadata.text_map("labels"),
        annotations=metadata.text_map("annotations"),
        generated_by=generated_by,
        hydrated=hydrated,
        multiple=multiple,
        name_location=manifest.place.locate(("metadata", "name")),
        namespace_location=manifest.place.locate(("spec", "destination", "namespace")),
        project_location=manifest.place.locate(("spec", "project")),
        sync_options_location=manifest.place.locate(("spec", "syncPolicy", "syncOptions")),
        finalizers_location=manifest.place.locate(("metadata", "finalizers")),
        ignored=tuple(_ignored(fields) for fields in spec.children("ignoreDifferences")),
    )


def _ignored(fields: Fields) -> IgnoredDifference:
    lists = ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
    parts = tuple(text for key in lists for text, _ in fields.texts(key))
    return IgnoredDifference(fields.text("group"), fields.text("kind"), fields.text("name"), parts)


def _name(manifest: Manifest, what: str, problems: list[Problem]) -> str:
    metadata = manifest.data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    if isinstance(name, str) and name:
        return name
    expected = "is missing" if name is None or name == "" else "must be text"
    problems.append(
        Problem(NOT_UNDERSTOOD, f"{what}: metadata.name {expected}", manifest.place.locate(("metadata", "name")))
    )
    return ""


def _sources(spec: Fields, name: str) -> tuple[tuple[ApplicationSource, ...], bool, bool]:
    """The sources, whether a hydrator stands between, and whether they were written as `sources`."""
    hydrator = spec.child("sourceHydrator")
    if hydrator is not None:
        dry = hydrator.child("drySource")
        if dry is None:
            hydrator.complain(("drySource",), "is missing")
            return (), True, False
        return (_source(dry, name),), True, False
    written = spec.children("sources")
    if written:
        return tuple(_source(fields, name) for fields in written), False, True
    single = spec.child("source")
    if single is None:
        spec.complain((), "has neither source nor sources", "Say what the Application deploys.")
        return (), False, False
    return (_source(single, name),), False, False


def _source(fields: Fields, application_name: str) -> ApplicationSource:
    helm = fields.child("helm")
    source = ApplicationSource(
        repo_url=fields.text("repoURL"),
        path=fields.text("path"),
        chart=fields.text("chart"),
        target_revision=fields.text("targetRevision"),
        ref=fields.text("ref"),
        name=fields.text("name"),
        helm=None if helm is None else helm_options(helm, application_name),
        kustomize=fields.mapping("kustomize"),
        directory=fields.mapping("directory"),
        plugin=fields.mapping("plugin"),
        location=fields.locate(),
        revision_location=fields.locate("targetRevision"),
        path_location=fields.locate("path" if "path" in fields.data else "chart"),
    )
    if not source.repo_url:
        fields.complain(("repoURL",), "is missing")
    if not source.path and not source.chart and not source.ref:
        fields.complain((), "names neither a path nor a chart", 'Write "path: ." for the root of a repository.')
    if source.ref and source.chart:
        fields.complain(("ref",), "stands beside a chart; Argo CD refers to Git repositories only")
    return source


def helm_options(fields: Fields, application_name: str) -> HelmOptions:
    """The `helm` block of a source."""
    inline, inline_key = _inline_values(fields)
    text = fields.data.get("values") if inline_key == "values" else None
    return HelmOptions(
        release_name=fields.text("releaseName") or application_name,
        release_location=fields.locate("releaseName"),
        value_files=tuple(
            ValueFile(text, fields.locate("valueFiles", number)) for text, number in fields.texts("valueFiles")
        ),
        inline_values=inline,
        inline_location=fields.locate(inline_key) if inline_key else None,
        inline_text=text if isinstance(text, str) else "",
        inline_text_line=fields.place.text_line((*fields.path, "values")) if isinstance(text, str) else 0,
        inline_locate=_locator(fields.place, (*fields.path, "valuesObject")) if inline_key == "valuesObject" else None,
        parameters=tuple(_parameters(fields, "parameters", "value")),
        file_parameters=tuple(_parameters(fields, "fileParameters", "path")),
        ignore_missing_value_files=fields.flag("ignoreMissingValueFiles"),
        kube_version=fields.text("kubeVersion"),
        api_versions=tuple(text for text, _ in fields.texts("apiVersions")),
        namespace=fields.text("namespace"),
    )


def _inline_values(fields: Fields) -> tuple[Mapping[str, Any] | None, str]:
    """What is inline and under which key: `valuesObject` if it is set, else what the text of `values` parses to."""
    written = fields.mapping("valuesObject")
    if written is not None:
        return written, "valuesObject"
    text = fields.text("values")
    if not text.strip():
        return None, ""
    try:
        document = yamltext.values_document(text.encode())
    except CsocError as error:
        line = getattr(error, "line", 0)
        where = f" in its line {line}" if line else ""
        fields.complain(("values",), f"cannot be read as values{where}: {error.cause}")
        return None, ""
    return document.data, "values"


def _locator(place: Place, base: Path) -> Any:
    return lambda path: place.locate((*base, *path))


def _parameters(fields: Fields, key: str, value_key: str) -> list[Parameter]:
    found: list[Parameter] = []
    for item in fields.children(key):
        name = item.text("name")
        if not name:
            item.complain(("name",), "is missing")
            continue
        found.append(Parameter(name, item.text(value_key), item.flag("forceString"), item.locate(value_key)))
    return found


def project(manifest: Manifest, problems: list[Problem]) -> Project | None:
    """The AppProject of a manifest, or None with a Problem if it has no name."""
    name = _name(manifest, "AppProject", problems)
    if not name:
        return None
    top = Fields(manifest.data, (), manifest.place, problems, f'AppProject "{name}"')
    spec = top.child("spec") or Fields({}, ("spec",), manifest.place, problems, top.what)
    return Project(
        name,
        manifest.location,
        tuple(text for text, _ in spec.texts("sourceRepos")),
        tuple(
            (item.text("server") or item.text("name"), item.text("namespace")) for item in spec.children("destinations")
        ),
    )


def cluster(manifest: Manifest, problems: list[Problem]) -> KnownCluster | None:
    """The cluster that a Secret (or an ExternalSecret's template) declares to Argo CD; None if it declares none.

    Only name, server, project, labels and annotations are looked at: the rest of such a Secret is a credential.
    """
    base: Path = () if manifest.kind == "Secret" else ("spec", "target", "template")
    data: Any = manifest.data
    for step in base:
        data = data.get(step) if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping):
        return None
    fields = Fields(data, base, manifest.place, problems, f"cluster {manifest.kind}")
    metadata = data.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    if not isinstance(labels, Mapping) or labels.get(CLUSTER_SECRET_LABEL) != "cluster":
        return None
    meta = fields.child("metadata") or fields
    values = {
        key: _secret_text(fields, key, encoded=manifest.kind == "Secret") for key in ("name", "server", "project")
    }
    if not values["server"]:
        fields.complain((), "names no server that can be read")
        return None
    return KnownCluster(
        name=values["name"],
        server=values["server"],
        location=manifest.location,
        labels=meta.text_map("labels"),
        annotations=meta.text_map("annotations"),
        project=values["project"],
    )


def _secret_text(fields: Fields, key: str, *, encoded: bool) -> str:
    plain = fields.data.get("stringData")
    if isinstance(plain, Mapping) and isinstance(plain.get(key), str):
        return str(plain[key])
    data = fields.data.get("data")
    value = data.get(key) if isinstance(data, Mapping) else None
    if not isinstance(value, str):
        return ""
    if not encoded:
        return "" if "{{" in value else value
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        fields.complain(("data", key), "is not base64 of a text")
        return ""
