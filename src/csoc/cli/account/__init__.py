"""`csoc account`: linking accounts, and what became of it."""

from __future__ import annotations

from csoc.cli.commands import CommandGroup, Listed

account = CommandGroup(
    "account",
    {
        "doctor": Listed(
            "csoc.cli.account.doctor:doctor_command", "Who csoc is in AWS, and whether that is fit to be trusted."
        ),
        "link": Listed(
            "csoc.cli.account.link:link_command",
            "Begin a link: the Account's document, and the template for its owner.",
        ),
        "verify": Listed(
            "csoc.cli.account.verify:verify_command", "Test what a link must let csoc do, and what it must not."
        ),
        "list": Listed("csoc.cli.account.listing:list_command", "The links, and what is wrong with them."),
        "unlink": Listed(
            "csoc.cli.account.unlink:unlink_command", "Take a link back. What csoc made in the account stays."
        ),
    },
    help="Link AWS accounts, so that csoc may act in them, and watch that nobody else can.",
    examples=(
        "csoc account doctor",
        "csoc account link research --account-id 222222222222 --region us-east-1",
        "csoc account verify research",
    ),
)
