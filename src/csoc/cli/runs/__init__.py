"""`csoc runs`: durable work, looked at, watched, gone on with and given up."""

from __future__ import annotations

from csoc.cli.commands import CommandGroup, Listed

runs = CommandGroup(
    "runs",
    {
        "list": Listed("csoc.cli.runs.listing:list_command", "Runs, newest first, and what each of them is at."),
        "show": Listed("csoc.cli.runs.listing:show_command", "The steps of a run: times, attempts, causes and fixes."),
        "watch": Listed("csoc.cli.runs.following:watch_command", "What a run says, until it ends."),
        "resume": Listed(
            "csoc.cli.runs.changing:resume_command", "Go on with a run that ended too early, or look at once."
        ),
        "cancel": Listed("csoc.cli.runs.changing:cancel_command", "End a run before its next step."),
    },
    help="Work that survives crashes: look at it, watch it, go on with it, give it up.",
    examples=("csoc runs list", "csoc runs watch k3x9q1m2za"),
)
