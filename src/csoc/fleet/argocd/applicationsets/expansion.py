"""ApplicationSets, expanded into the Applications that Argo CD would make of them.

Each parameter set of each generator is put into the template (with the generator's own template over it, and the patch
over that). A parameter set that cannot be rendered costs one Application, a generator that cannot be evaluated costs
its own; both are Problems at the line in the ApplicationSet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csoc.errors import CsocError
from csoc.fleet.argocd import parse
from csoc.fleet.argocd.applicationsets.generators import GeneratorError, Generators
from csoc.fleet.argocd.gotemplate.evaluation import TemplateRenderer
from csoc.fleet.argocd.gotemplate.substitution import PlacedError, Substitution
from csoc.fleet.argocd.gotemplate.values import TemplateError
from csoc.fleet.argocd.model import RESOURCES_FINALIZER, Application, KnownCluster, Problem
from csoc.fleet.argocd.parsed_files import Library
from csoc.fleet.argocd.reading import NOT_UNDERSTOOD, Fields, FixedPlace, Manifest
from csoc.fleet.argocd.same_repository import Reference
from csoc.fleet.argocd.trees import Trees
from csoc.fleet.yaml import yamltext

MOST = 500  # Applications of one ApplicationSet
MOST_TOGETHER = 5_000  # of all of a fleet
_MAX_ALIKE = 20  # Problems of one ApplicationSet that differ in the parameters only


@dataclass(frozen=True, slots=True)
class Expansion:
    """What came of one ApplicationSet. bodies: the Applications as documents, for who applies them."""

    name: str
    applications: tuple[Application, ...]
    problems: tuple[Problem, ...]
    bodies: tuple[Mapping[str, Any], ...] = ()


def expand(
    manifest: Manifest,
    trees: Trees,
    *,
    library: Library | None = None,
    clusters: Collection[KnownCluster] = (),
    renderer: TemplateRenderer | None = None,
    most: int = MOST,
    left: int = MOST_TOGETHER,
) -> Expansion:
    """The Applications of an ApplicationSet; each stands where the ApplicationSet does.

    renderer: asked for Go templates beyond csoc's subset. most: how many it may make; left: how many the fleet's
    ApplicationSets may still make together. Never raises for what the ApplicationSet holds.
    """
    return _Expander(manifest, trees, library or Library(), clusters, renderer).run(most, left)


def references(manifest: Manifest) -> Iterator[Reference]:
    """What an ApplicationSet names of repositories, as far as it is no template."""
    for data in _mappings(manifest.data.get("spec")):
        url, revision = data.get("repoURL"), data.get("targetRevision", data.get("revision", ""))
        if not isinstance(url, str) or "{{" in url:
            continue
        written = [data.get("path")]
        for key in ("directories", "files"):
            items = data.get(key)
            written += (
                [item.get("path") for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
            )
        paths = tuple(_fixed_part(path) for path in written if isinstance(path, str) and _fixed_part(path))
        yield Reference(url, revision if isinstance(revision, str) and "{{" not in revision else "", paths)


def _fixed_part(path: str) -> str:
    """The folders of a path before the first pattern or parameter."""
    kept: list[str] = []
    for part in path.split("/"):
        if any(mark in part for mark in ("*", "?", "[", "{")):
            break
        kept.append(part)
    return "/".join(kept).strip("/.")


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping):
            yield item
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


class _Expander:
    def __init__(
        self,
        manifest: Manifest,
        trees: Trees,
        library: Library,
        clusters: Collection[KnownCluster],
        renderer: TemplateRenderer | None,
    ) -> None:
        self._manifest = manifest
        self._problems: list[Problem] = []
        metadata = manifest.data.get("metadata")
        self._name = str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
        self._namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
        what = f'ApplicationSet "{self._name}"'
        top = Fields(manifest.data, (), manifest.place, self._problems, what)
        self._spec = top.child("spec") or Fields({}, ("spec",), manifest.place, self._problems, what)
        options = tuple(text for text, _ in self._spec.texts("goTemplateOptions"))
        self._substitution = Substitution(go_template=self._spec.flag("goTemplate"), options=options, renderer=renderer)
        self._generators = Generators(trees, library, self._substitution, clusters, self._problems)
        self._applications: list[Application] = []
        self._bodies: list[Mapping[str, Any]] = []
        self._alike = 0

    def run(self, most: int, left: int) -> Expansion:
        generators = self._spec.children("generators")
        if not generators:
            self._spec.complain(("generators",), "is missing")
        count, allowed = 0, min(most, left)
        for generator in generators:
            try:
                found = self._generators.evaluate(generator)
            except GeneratorError:
                continue
            template, base = self._template(generator)
            for params in found[: max(0, allowed - count)]:
                self._make(template, base, params)
            count += len(found)
        if count > allowed:
            self._say_left_out(count, most, left)
        return self._result()

    def _say_left_out(self, count: int, most: int, left: int) -> None:
        if left < most:
            why = f"only {left} are left of what all ApplicationSets of a fleet may make together"
            setting = "generated_applications"
        else:
            why = f"no more than {most} of one ApplicationSet are read"
            setting = "applicationset_elements"
        fix = f"If they are wanted, raise limits.{setting} in the settings (CSOC_LIMITS_{setting.upper()})"
        self._spec.complain((), f"makes {count} Applications, and {why}: {count - min(most, left)} were left out", fix)

    def _result(self) -> Expansion:
        for name, path in self._substitution.unknown.items():
            cause = f'ApplicationSet "{self._name}": {{{{{name[:80]}}}}} is no parameter, and stays as it is written'
            self._problems.append(Problem(NOT_UNDERSTOOD, cause, self._manifest.place.locate(path)))
        return Expansion(
            self._name, tuple(self._applications), tuple(dict.fromkeys(self._problems)), tuple(self._bodies)
        )

    def _template(self, generator: Fields) -> tuple[dict[str, Any], bool]:
        """The template with the generator's own over it, and whether there is none of the latter."""
        base = self._spec.mapping("template") or {}
        for kind in generator.data:
            fields = generator.data[kind]
            own = fields.get("template") if isinstance(fields, Mapping) and kind != "selector" else None
            if isinstance(own, Mapping) and own:
                return _filled(own, base), False
        return dict(base), True

    def _make(self, template: Mapping[str, Any], base: bool, params: Mapping[str, Any]) -> None:
        """Renders one Application; what goes wrong is a Problem at the template's line."""
        path = ("spec", "template") if base else ("spec",)
        try:
            data = self._substitution.tree(template, params, path)
            data = self._patched(data, params)
        except PlacedError as error:
            self._complain(error, params)
            return
        metadata = data.get("metadata")
        metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
        policy = self._spec.data.get("syncPolicy")
        keeps = isinstance(policy, Mapping) and policy.get("preserveResourcesOnDeletion") is True
        if not metadata.get("finalizers") and not keeps:
            metadata["finalizers"] = [RESOURCES_FINALIZER]
        if self._namespace is not None:
            metadata["namespace"] = self._namespace
        body = {**data, "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata}
        location = self._manifest.location
        made = Manifest(body, FixedPlace(location), self._manifest.index)
        application = parse.application(made, self._problems, generated_by=location)
        if application is not None:
            self._applications.append(application)
            self._bodies.append(body)

    def _complain(self, error: PlacedError, params: Mapping[str, Any]) -> None:
        self._alike += 1
        if self._alike > _MAX_ALIKE:
            return
        place = self._manifest.place
        line = place.text_line(error.path)
        at = place.locate(error.path)
        if line and error.line:
            at = type(at)(at.repository, at.commit, at.path, line + error.line - 1)
        some = ", ".join(f"{key}={str(value)[:40]}" for key, value in list(params.items())[:3])
        cause = f'ApplicationSet "{self._name}": its template fails for {some or "no parameters"}: {error.cause}'
        self._problems.append(Problem(NOT_UNDERSTOOD, cause, at))

    def _patched(self, data: dict[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
        """The Application with the templatePatch over it; `project` stays what the template says."""
        path = ("spec", "templatePatch")
        text = self._spec.text("templatePatch")
        if not text:
            return data
        try:
            rendered = self._substitution.text(text, params, path)
            documents = yamltext.parse(rendered.encode())
        except TemplateError as error:
            raise PlacedError(path, error) from None
        except CsocError as error:
            raise PlacedError(path, TemplateError(f"the patch is not YAML: {error.cause}")) from None
        patch = documents[0].data if documents else {}
        if not isinstance(patch, Mapping):
            raise PlacedError(path, TemplateError("the patch must be a mapping"))
        result = _strategic(data, patch)
        if isinstance(result.get("spec"), dict) and isinstance(data.get("spec"), Mapping):
            result["spec"]["project"] = data["spec"].get("project")
        return result


def _filled(own: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """A generator's template, with what it leaves empty taken from the ApplicationSet's."""
    merged = dict(own)
    for key, value in base.items():
        mine = merged.get(key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            merged[key] = _filled(mine, value)
        elif not mine:
            merged[key] = value
    return merged


def _strategic(data: Mapping[str, Any], patch: Mapping[str, Any], key: str = "") -> dict[str, Any]:
    """A strategic merge patch as far as Applications need it: mappings merge, null removes, lists replace, but
    finalizers are added to those that are there."""
    merged = dict(data)
    for name, value in patch.items():
        below = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            merged[name] = _strategic(below if isinstance(below, Mapping) else {}, value, name)
        elif name == "finalizers" and key == "metadata" and isinstance(below, list) and isinstance(value, list):
            merged[name] = [*below, *(item for item in value if item not in below)]
        else:
            merged[name] = value
    return merged
