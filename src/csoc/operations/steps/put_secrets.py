"""Fills the environment's secrets that are empty, from memory into the account.

csoc never reads a secret, so whether one has a value is all that it can ask. Secrets whose values must agree are filled
together: if one of them is empty, all of them get new values. What only a person has is waited for, with the command
that puts it.
"""

from __future__ import annotations

from csoc.errors import NotFoundError
from csoc.operations.services import needed
from csoc.operations.steps.base import Context, Done, Result, StepKind, Waiting, outputs_before, text_argument


def _run(context: Context) -> Result:
    filling = needed(context.services.filling, "documents")
    run = context.run
    secrets = needed(context.services.secrets, "secrets").secrets_at(
        text_argument(context, "account"),
        text_argument(context, "account_id"),
        text_argument(context, "region"),
        person=run.by,
        task=run.id,
    )
    outputs = {**filling.outputs(context.run), **outputs_before(context)}
    names = filling.secret_names(run, outputs)
    lacking = secrets.without_value(names)
    if not lacking:
        context.log(f"All {len(names)} secrets have a value")
        return Done({"put": [], "there": len(names)})
    try:
        values = filling.secret_values(run, lacking, outputs)
    except NotFoundError as error:
        return Waiting(error.cause, fix=error.fix)
    context.hide(*values.values())
    for name, value in values.items():
        context.check()
        # The attempt is in the token: a value that was put half an hour ago by another attempt is not taken for ours.
        # What was empty gets no value of an executor that lost the run since it asked the fence.
        token = f"{run.id}-{run.attempt}-{context.step.attempts}"
        secrets.put(name, value, token, is_first=name in lacking)
        context.log(f"Put {name}")
    return Done({"put": list(values), "there": len(names) - len(lacking)})


STEP = StepKind(
    kind="put secrets",
    run=_run,
    touches="empty secrets of the environment",
    arguments={"account": "name of the Account", "account_id": "its id", "region": "where the secrets are"},
    timeout_seconds=600,
)
