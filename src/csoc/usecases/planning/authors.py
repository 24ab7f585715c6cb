"""Who wrote what a plan rests on, as Git says, and which rules of approval its fleet had meanwhile.

Both are asked of the commits that came since the plan of the same owner that was applied last: those that are not in
the history of its commit. Their dates are what authors say, and decide nothing. Git's authors prove nothing either; so
they only take the right to approve away, and a rule that somebody took away is kept until a plan has passed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from csoc.errors import NotFoundError, RejectedError
from csoc.fleet.documents.collection import Documents
from csoc.fleet.documents.model import StageApproval
from csoc.fleet.documents.reading import read_documents
from csoc.fleet.overlay import OverlayTree
from csoc.fleet.parsing import ParsedStore
from csoc.fleet.repositories import CommitInfo, Tree
from csoc.fleet.yaml import yamltext
from csoc.provisioning.approvals import ApprovalRule, stricter
from csoc.provisioning.plans import Plan
from csoc.usecases.planning.approving import rule_of_stages, stages_of
from csoc.usecases.planning.gen3_layer import is_as_written
from csoc.usecases.planning.owners import Owner
from csoc.usecases.planning.value_paths import written_by_runs
from csoc.usecases.ports import Ports

_COMMITS_BACK = 5_000
_Version = tuple[CommitInfo, str | None]


@dataclass(frozen=True, slots=True)
class Since:
    """What became of an owner's documents since a plan of it was applied. tree, documents: of the fleet, as it is
    planned. applied: the plan; None if none was, and everything counts."""

    git: Ports
    tree: Tree
    documents: Documents
    owner: Owner
    applied: Plan | None

    def authors(self) -> tuple[str, ...]:
        """Names and mail addresses of those who, as Git says, changed the owner's documents, its values or its
        Application, or loosened the rule that its plans have to pass; co-authors are authors."""
        before = self._before()
        commits = [commit for path in self._paths() for commit, _ in self._versions(path, before)]
        commits += self._of_application(before)
        commits += [commit for commit, rule, former in self._rules(before) if stricter(rule, former) != rule]
        claimed = {one for commit in commits for one in (commit.author, *commit.co_authors)}
        found = {part.strip(" >") for one in claimed for part in one.split("<", 1)}
        return tuple(sorted(found - {""}))

    def rule(self) -> ApprovalRule:
        """The strictest rule of approval that the fleet had for this owner at any time since."""
        strictest = ApprovalRule()
        for _, rule, former in self._rules(self._before()):
            strictest = stricter(strictest, stricter(rule, former))
        return strictest

    def _paths(self) -> Iterator[str]:
        """Whatever decides what is planned, but for what runs write themselves. A value counts at its path in the
        fleet whatever repository it names, since an Application of csoc's reads it there."""
        yield self.documents.clusters[self.owner.cluster.metadata.name].file.path
        if self.owner.environment is None:
            return
        yield self.documents.environments[self.owner.name].file.path
        of_runs = written_by_runs(self.owner.environment)
        yield from (one.path for one in self.owner.environment.spec.values if one.path != of_runs)

    def _of_application(self, before: Tree | None) -> Iterator[CommitInfo]:
        """Commits that made the Application anything but what a run writes."""
        environment = self.owner.environment
        if environment is None or environment.spec.application is None or environment.spec.application.repository:
            return
        known = [environment]
        if before is not None:
            then = read_documents(before, ParsedStore(self.git.cache)).environments.values()
            known += [one.document for one in then if one.uid == self.owner.uid]
        for commit, blob in self._versions(environment.spec.application.path, before):
            content, formers = self._read(blob), [self._read(one) for one in commit.before] or [None]
            if content is None or not any(is_as_written(content, one, former) for one in known for former in formers):
                yield commit

    def _rules(self, before: Tree | None) -> Iterator[tuple[CommitInfo, ApprovalRule, ApprovalRule]]:
        """Changes of the fleet's rules: the commit, the rule for this owner after it, and the strictest before it."""
        if self.documents.fleet is None:
            return
        stages = stages_of(self.documents, self.owner) | self._former_stages(before)
        for commit, blob in self._versions(self.documents.fleet.file.path, before):
            former = ApprovalRule()
            for parent in commit.before:
                former = stricter(former, rule_of_stages(self._approvals(parent), stages))
            yield commit, rule_of_stages(self._approvals(blob), stages), former

    def _former_stages(self, before: Tree | None) -> set[str]:
        """Stages that the environment had since: one of a looser stage was perhaps one of a stricter one."""
        if self.owner.environment is None:
            return set()
        path = self.documents.environments[self.owner.name].file.path
        blobs = {blob for commit, after in self._versions(path, before) for blob in (after, *commit.before)}
        return {str(spec["stage"]) for blob in blobs for spec in self._specs(blob, "Environment") if "stage" in spec}

    def _approvals(self, blob: str | None) -> Mapping[str, StageApproval]:
        found: dict[str, StageApproval] = {}
        for spec in self._specs(blob, "Fleet"):
            given = spec.get("approvals")
            for stage, rule in given.items() if isinstance(given, Mapping) else ():
                try:
                    found[str(stage)] = StageApproval.model_validate(rule)
                except ValidationError:
                    continue  # no plan could be made with it
        return found

    def _specs(self, blob: str | None, kind: str) -> Iterator[Mapping[str, Any]]:
        content = self._read(blob)
        try:
            documents = yamltext.parse(content) if content is not None else []
        except yamltext.YamlError:
            return
        for one in documents:
            spec = one.data.get("spec") if isinstance(one.data, Mapping) and one.data.get("kind") == kind else None
            if isinstance(spec, Mapping):
                yield spec

    def _read(self, blob: str | None) -> bytes | None:
        try:
            return self.git.repositories.read_blob(self._committed, blob) if blob is not None else None
        except (NotFoundError, RejectedError):  # in a shallow clone, or too large
            return None

    def _versions(self, path: str, before: Tree | None) -> Sequence[_Version]:
        history = self.git.repositories.history
        known = {one.commit for one, _ in history(before, path, limit=_COMMITS_BACK)} if before is not None else set()
        found = history(self._committed, path, limit=_COMMITS_BACK)
        return [(commit, blob) for commit, blob in found if commit.commit not in known]

    def _before(self) -> Tree | None:
        """The fleet at the commit of the plan that was applied last, as far as it is a part of its history now. None if
        it is none: then everybody who ever changed something counts."""
        if self.applied is None:
            return None
        try:
            return self.git.repositories.merge_base(self._committed, self.applied.commit)
        except (NotFoundError, RejectedError):  # a plan of what was never committed, or of a history that was rewritten
            return None

    @property
    def _committed(self) -> Tree:
        """What has a history: not what a launch would add."""
        tree = self.tree
        while isinstance(tree, OverlayTree):
            tree = tree.base
        return tree
