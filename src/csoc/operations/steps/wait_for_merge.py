"""Waits until a pull request is merged: a run's own change to the fleet's repository, where that needs a review."""

from __future__ import annotations

from csoc.errors import ConflictError
from csoc.fleet.githost import Mergeable, PullRequest, PullState, missing_for_merge
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, number_argument, text_argument


def _run(context: Context) -> Result:
    repository = text_argument(context, "repository")
    host = needed(context.services.githost, "pull requests")(repository)
    pull = host.get(number_argument(context, "number"))
    expected = context.step.arguments.get("head")
    if pull.state is PullState.CLOSED:
        raise ConflictError(
            "The pull request was closed without being merged",
            place=pull.url,
            fix="Begin a new run, which opens another one",
        )
    if isinstance(expected, str) and expected and pull.head_commit and pull.head_commit != expected:
        raise ConflictError(
            f"The pull request holds commit {pull.head_commit[:12]}, not {expected[:12]}, which this run proposed",
            place=pull.url,
            fix="Take the other commits off the branch, or begin a new run from what they say",
        )
    if pull.state is PullState.MERGED:
        context.log(f"{pull.url} is merged")
        return Done({"commit": pull.merge_commit, "url": pull.url})
    lacks = (*_conflicts(pull), *missing_for_merge(host.protection(pull.base), pull))
    return Waiting(f"the merge of {pull.url}" + (f": {'; '.join(lacks)}" if lacks else ""), fix=f"Merge {pull.url}")


def _conflicts(pull: PullRequest) -> tuple[str, ...]:
    if pull.mergeable is not Mergeable.NO:
        return ()
    return (f"it conflicts with {pull.base}" + (f" in {', '.join(pull.conflicts)}" if pull.conflicts else ""),)


STEP = StepKind(
    kind="wait for merge",
    run=_run,
    touches="nothing",
    arguments={
        "repository": "address of the repository",
        "number": "number of the pull request",
        "head": "the commit that was proposed; without it, any",
    },
    timeout_seconds=60,
)
