"""`.argocd-source.yaml`: a file beside a chart that changes the source which deploys it.

Argo CD's image updater writes image tags there instead of into values, and Argo CD merges it over the source before it
renders (reposerver, mergeSourceParameters). Whoever reads only the Application sees tags that do not run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.model import ApplicationSource, HelmOptions, Problem
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.paths import inside
from csoc.fleet.argocd.reading import Fields, FilePlace, unreadable
from csoc.fleet.repositories import Tree

# Key of `helm` to the fields of HelmOptions that it decides; lists and texts replace, as in a JSON merge patch.
_FIELDS: dict[str, tuple[str, ...]] = {
    "releaseName": ("release_name", "release_location"),
    "valueFiles": ("value_files",),
    "parameters": ("parameters",),
    "fileParameters": ("file_parameters",),
    "ignoreMissingValueFiles": ("ignore_missing_value_files",),
    "kubeVersion": ("kube_version",),
    "apiVersions": ("api_versions",),
    "namespace": ("namespace",),
}
_INLINE = ("inline_values", "inline_location", "inline_text", "inline_text_line", "inline_locate")


def helm_options(
    source: ApplicationSource, application_name: str, tree: Tree, library: Library, problems: list[Problem]
) -> HelmOptions:
    """The source's Helm options with the override files of its folder over them: the common one, then the one named
    after the Application. Appends a Problem for a file that cannot be read."""
    options = source.helm or HelmOptions(release_name=application_name)
    folder = inside("", source.path)
    if folder is None:
        return options
    for name in (".argocd-source.yaml", f".argocd-source-{application_name}.yaml"):
        path = inside(folder, name) or name
        if "/" in application_name or path not in tree.entries():
            continue
        try:
            document = library.values(tree, path)
        except CsocError as error:
            problems.append(unreadable(tree, path, error))
            continue
        place = FilePlace(tree.repository, tree.commit, path, document)
        helm = Fields(document.data, (), place, problems, path).child("helm")
        if helm is not None:
            options = _over(options, parse.helm_options(helm, application_name), helm)
    return options


def _over(options: HelmOptions, patch: HelmOptions, written: Fields) -> HelmOptions:
    changes: dict[str, Any] = {}
    for key, names in _FIELDS.items():
        if key in written.data:
            changes.update({name: getattr(patch, name) for name in names})
    if patch.inline_values is not None:
        changes.update({name: getattr(patch, name) for name in _INLINE})
    return replace(options, **changes)
