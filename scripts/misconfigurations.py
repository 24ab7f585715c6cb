"""The page of what rules answer: each known way to misconfigure the Gen3 chart in one sentence, with its rules.

A rule names in `covers` what it answers, by an id that says nothing by itself. The sentences stand here and the rules
come from their table, so that the page is as complete as both; a test fails when either lacks something.
"""

from __future__ import annotations

from collections.abc import Mapping

from csoc.cli.rules import all_rules

# Read from the chart's own templates and default values.
MISCONFIGURATIONS: Mapping[str, str] = {
    "M1": "With `global.postgres.dbCreate` off, nobody but the source of a database secret writes its key "
    "`dbcreated`; without it, pods wait for ever.",
    "M2": "Outside of `global.dev`, every database secret that Helm writes needs a host, a login that may create "
    "databases, and a port that is text.",
    "M3": "External secrets need a store that exists, that can sign in, and an API version that the operator serves.",
    "M4": "With external secrets on, each secret is either in the store, in the shape that the chart expects, or made "
    "by a switch of the chart.",
    "M5": "With `global.aws.enabled`, certificates and roles must be real: the chart builds ARNs from what is set, "
    "even where nothing is, and ignores annotations of service accounts.",
    "M6": "A release is expected to be called as its namespace and to be the only one of that name on its cluster; "
    "workspaces, roles and databases are named after one or the other.",
    "M7": "Search needs exactly one way to a server, addresses in the form that each reader expects, and indices that "
    "the ETL makes.",
    "M8": "Certain global URLs and tokens, once set, publish all values of the chart, passwords too, in a ConfigMap.",
    "M9": "A commons needs exactly one entry point, with paths for every host and a certificate together with its key.",
    "M10": "Types matter: switches are booleans, and versions, account ids and labels are quoted text.",
    "M11": "Some services do not start, or answer nothing, without others that must be on too.",
    "M12": "The chart's network policies fit one kind of network; elsewhere databases, storage, dictionaries and "
    "workspaces are cut off without a word.",
    "M13": "Autoscalers and disruption budgets are not right for every service; some have nothing to scale, and some "
    "settings work against each other.",
    "M14": "fence and the uploads behind it need settings that agree: key, login, buckets with credentials, user "
    "list, queues and passwords.",
    "M15": "Rendered by Argo CD, the chart makes up passwords anew at each sync, and Jobs that already ran cannot be "
    "changed.",
    "M16": "The Slack webhook that the chart writes is encoded once too often, so that no message is sent.",
    "M17": "Pushing secrets to the store also pushes fence's signing keys, which only another switch makes.",
    "M18": "The DICOM services ask the secret store even where none is used, and the default image of dicom-server "
    "has a name that is none.",
    "M19": "Workflows need to be told the namespace of funnel's jobs; funnel refuses to start with another one.",
    "M20": "manifestservice with AWS keys in its values reads keys that its external secret does not bring.",
    "M21": "Some services ignore a database port other than 5432, or cannot speak to a server that insists on TLS.",
    "M22": "The portal's own build together with Crossplane renders YAML that is not valid.",
    "M23": "hatchery's launch test has an image whose name is none, and logins of workspaces to other commons are not "
    "read from the values.",
    "M24": "The administration pages of indexd and metadata need a secret that no chart makes, and a metadata "
    "password that the chart encodes wrongly.",
    "M25": "An AWS secret key without its access key id stops the rendering.",
    "M26": "The workspace proxy needs the namespaces of its deployment and of its workspaces, for which no default "
    "works.",
    "M27": "Switching on the robots.txt of the proxy undoes its other settings of nginx.",
    "M28": "Helm replaces lists and does not merge them, so an entry that is added by a list of one's own costs all "
    "others.",
    "M29": "Cedar's ingestion and the upload job read credentials that nothing else of the chart provides.",
    "M30": "Whether a database is there is judged by words of its name, so one whose name starts another's is never "
    "made.",
}

# Other words in `covers`: kinds of questions.
QUESTIONS: Mapping[str, str] = {
    "etl mapping": "Does the ETL mapping fit tube and the data dictionary?",
    "fleet": "What do environments share, what is not pinned, and what stands in Git that should not?",
    "portal configuration": "Does the portal's configuration fit the indices, Guppy and the data dictionary?",
    "render": "Does the chart render with these values?",
    "versions": "Do the versions of an environment's services go together?",
}


def pages() -> dict[str, bytes]:
    """Path below docs/reference to content."""
    return {"misconfigurations.md": _page().encode()}


def rules_by_cover() -> dict[str, list[str]]:
    """What rules answer, to the ids of the rules."""
    found: dict[str, list[str]] = {}
    for rule in all_rules():
        for cover in rule.covers:
            found.setdefault(cover, []).append(rule.id)
    return found


def _page() -> str:
    return f"""\
# What rules answer

Each rule says in `covers` what it answers. M1 to M30 are the known ways to misconfigure the gen3 Helm chart, read from
its templates and default values; the other words are kinds of questions. Generated from `scripts/misconfigurations.py`
and the table of rules by `make docs`.

## Misconfigurations of the chart

| id | what is so | rules |
|---|---|---|
{_rows(MISCONFIGURATIONS)}

## Questions

| word | question | rules |
|---|---|---|
{_rows(QUESTIONS)}
"""


def _rows(sentences: Mapping[str, str]) -> str:
    rules = rules_by_cover()
    return "\n".join(
        f"| {name} | {text} | {', '.join(f'[{rule}](rules/{rule}.md)' for rule in rules.get(name, ()))} |"
        for name, text in sentences.items()
    )
