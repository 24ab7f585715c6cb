"""Puts an ApplicationSet's parameters into its template: every text of a tree of values, keys included.

Without `goTemplate` it is plain replacement of {{name}} (valyala/fasttemplate): what is not a parameter stays as it is
written, and Argo CD then creates an Application with braces in it. With `goTemplate` every text is a Go template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from csoc.fleet.argocd.gotemplate.evaluation import SubsetRenderer, TemplateRenderer
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError
from csoc.fleet.values import Path

_MAX_TEXT = 1_000_000


class Substitution:
    """How one ApplicationSet replaces parameters. unknown: names in {{ }} that were no parameter, with where they stood
    (plain replacement only)."""

    def __init__(
        self, *, go_template: bool, options: Sequence[str] = (), renderer: TemplateRenderer | None = None
    ) -> None:
        """renderer is asked where the subset of Go templates does not suffice."""
        self.go_template = go_template
        self.unknown: dict[str, Path] = {}
        self._options = tuple(options)
        self._subset = SubsetRenderer()
        self._renderer = renderer

    def text(self, text: str, params: Mapping[str, Any], path: Path = ()) -> str:
        """One text. Raises TemplateError, whose line counts inside the text."""
        if "{{" not in text:
            return text
        if not self.go_template:
            return self._plain(text, params, path)
        try:
            return self._subset.render(text, params, self._options)
        except UnsupportedError:
            if self._renderer is None:
                raise
            return self._renderer.render(text, params, self._options)

    def tree(self, value: Any, params: Mapping[str, Any], path: Path = ()) -> Any:
        """A copy of a value with every text in it replaced. Raises _At around a TemplateError, see `place_of`."""
        if isinstance(value, str):
            try:
                return self.text(value, params, path)
            except TemplateError as error:
                raise PlacedError(path, error) from None
        if isinstance(value, Mapping):
            return {
                self.text(key, params, path) if isinstance(key, str) else key: self.tree(item, params, (*path, key))
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.tree(item, params, (*path, number)) for number, item in enumerate(value)]
        return value

    def _plain(self, text: str, params: Mapping[str, Any], path: Path) -> str:
        if not any("}}" in line.partition("{{")[2] for line in text.split("\n")):
            return text
        parts: list[str] = []
        at = size = 0
        while True:
            opened = text.find("{{", at)
            if opened < 0:
                return "".join(parts) + text[at:]
            closed = text.find("}}", opened + 2)
            if closed < 0:
                raise TemplateError("{{ is not closed with }}", line=text.count("\n", 0, opened) + 1)
            tag = text[opened + 2 : closed]
            value = params.get(tag.strip())
            if not isinstance(value, str) or not tag.strip():
                self.unknown.setdefault(tag.strip(), path)
                value = text[opened : closed + 2]
            size += len(value)
            if size > _MAX_TEXT:
                raise TemplateError(f"a text of more than {_MAX_TEXT} characters")
            parts += [text[at:opened], value]
            at = closed + 2


class PlacedError(TemplateError):
    """A TemplateError in one text of a tree; path leads to that text."""

    def __init__(self, path: Path, error: TemplateError) -> None:
        super().__init__(error.cause, line=error.line)
        self.path = path
