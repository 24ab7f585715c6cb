"""docs/reference/launch.md: answers, bundles, secrets and roles of a launch, from the tables that decide them."""

from __future__ import annotations

from collections.abc import Iterator

from csoc.fleet.documents.schemas import fields_of
from csoc.gen3.launch import bundles, roles, values, versions
from csoc.gen3.launch.answerfiles import example_answers
from csoc.gen3.launch.answers import Answers
from csoc.gen3.launch.secrets import KEPT_BY_HELM, plan_secrets


def reference_page() -> str:
    """The page, as Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# Launching a commons"
    yield ""
    yield "What answers become. Generated from `csoc.gen3.launch`; a test keeps it in step."
    yield ""
    yield "## Answers"
    yield ""
    yield "Every key may be left out. A secret is never an answer: it is given as `{env: NAME}` or `{file: PATH}`,"
    yield "or asked for."
    yield ""
    yield "```yaml"
    yield example_answers().rstrip()
    yield "```"
    yield ""
    yield "| answer | type | meaning and default |"
    yield "|---|---|---|"
    for path, kind, meaning in fields_of(Answers):
        yield _row(f"`{path}`", kind, meaning)
    yield ""
    yield "## Bundles"
    yield ""
    yield "| bundle | what for | services, with what they need |"
    yield "|---|---|---|"
    for bundle in bundles.BUNDLES.values():
        yield _row(f"`{bundle.name}`", bundle.what, ", ".join(bundles.select([bundle.name]).on))
    yield ""
    yield "Services that are on by default in the chart and not chosen are switched off. Not launched by csoc:"
    yield ""
    yield "| service | because |"
    yield "|---|---|"
    for name, reason in bundles.NOT_OFFERED.items():
        yield _row(f"`{name}`", reason)
    yield from _versions()
    yield from _secrets()
    yield from _roles()


def _versions() -> Iterator[str]:
    yield ""
    yield "## Versions"
    yield ""
    yield f"The chart {versions.CHART_NAME} {versions.CHART_VERSION} of {versions.CHART_REPOSITORY}, and the images:"
    yield ""
    yield "| values path | version |"
    yield "|---|---|"
    for tags in versions.TAGS.values():
        for path, tag in tags.items():
            yield _row(f"`{path}`", f"`{tag}`")
    for path, image in versions.JOB_IMAGES.items():
        yield _row(f"`{path}`", f"`{image}`")


def _secrets() -> Iterator[str]:
    every = bundles.select([*bundles.BUNDLES, *bundles.OFFERED]).on
    yield ""
    yield "## Secrets"
    yield ""
    yield "In Secrets Manager below `csoc/<uid>/`, with the values path that names each. csoc writes them and never"
    yield "reads them; those of one group are put together."
    yield ""
    yield "| secret | shape | named by | read by | group | asked for |"
    yield "|---|---|---|---|---|---|"
    for secret in plan_secrets(every).secrets:
        group = secret.group if secret.group != secret.name else ""
        asked = ", ".join(field.what for field in secret.asked)
        yield _row(f"`{secret.name}`", secret.shape, f"`{secret.override}`", ", ".join(secret.mounted_by), group, asked)
    for secret in plan_secrets(every).secrets:
        if secret.lost:
            yield ""
            yield f"`{secret.name}` holds a generated key: made anew, {secret.lost} cannot be read any more."
    kept = ", ".join(f"`{path}`" for flags in KEPT_BY_HELM.values() for path in flags)
    yield ""
    yield f"Made by Helm, since nothing secret is in them or a job of the chart fills them: {kept}."


def _roles() -> Iterator[str]:
    every = bundles.select([*bundles.BUNDLES, *bundles.OFFERED]).on
    yield ""
    yield "## Roles"
    yield ""
    yield f"What service accounts may do in AWS, and where their role goes in `{values.OUTPUTS}`."
    yield ""
    yield "| service account | may | role at |"
    yield "|---|---|---|"
    for account in roles.accounts(every):
        granted = [f"{grant.access} {grant.kind} {grant.name}".strip() for grant in account.grants]
        granted += ["assume its own role"] * account.assumes_itself
        where = account.role.replace("\\.", ".") + (" (path and name)" if account.by_name else "")
        yield _row(
            f"`{account.service_account}`", ", ".join(granted) or "nothing; the chart names a role anyway", where
        )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"
