"""The portal's configuration of a new commons: its title, and links to what is switched on.

What the pages count and show depends on the data dictionary, which csoc has not read at launch; so only what every
dictionary has is counted, and the explorer is that of Gen3's example until somebody writes the commons' own.
"""

from __future__ import annotations

import json
from collections.abc import Container
from typing import Any

_COUNTED = (("_program_count", "Program", "Programs"), ("_project_count", "Project", "Projects"))
"""Every data dictionary has these two."""
_WIDEST_TITLE = 80


def configuration(title: str, on: Container[str]) -> str:
    """gitops.json as text."""
    shown = title[:_WIDEST_TITLE]
    items = [_link("dictionary", "/DD", "Dictionary"), _link("query", "/query", "Query")]
    if "guppy" in on:
        items.insert(1, _link("exploration", "/explorer", "Exploration"))
    if "hatchery" in on:
        items.append(_link("workspace", "/workspace", "Workspace"))
    items.append(_link("profile", "/identity", "Profile"))
    buttons = [
        _button("Define Data Field", "data-field-define", "/DD", "Learn more", "How data is described here."),
        _button("Access Data", "data-access", "/query", "Query data", "Ask for what you may see."),
        _button("Submit Data", "data-submit", "/submission", "Submit data", "Add data to a project."),
    ]
    data: dict[str, Any] = {
        "graphql": {
            "boardCounts": [{"graphql": name, "name": one, "plural": many} for name, one, many in _COUNTED],
            "chartCounts": [{"graphql": name, "name": one} for name, one, _ in _COUNTED],
            "projectDetails": "boardCounts",
        },
        "components": {
            "appName": shown,
            "index": {
                "introduction": {"heading": shown, "text": f"Welcome to {shown}.", "link": "/submission"},
                "buttons": buttons,
            },
            "navigation": {"title": shown, "items": items},
            "topBar": {"items": [{"icon": "upload", "link": "/submission", "name": "Submit Data"}]},
            "login": {
                "title": shown,
                "subTitle": "Explore, Analyze, and Share Data",
                "text": "Sign in to see what you have access to.",
                "contact": "If you have questions about access, ask the administrators of this commons.",
                "email": "",
            },
            "certs": {},
            "footerLogos": [],
        },
        "requiredCerts": [],
        "featureFlags": {"explorer": "guppy" in on, "noIndex": True, "analysis": False, "discovery": False},
    }
    if "guppy" in on:
        data["explorerConfig"] = [_EXPLORER]
    return json.dumps(data, indent=2) + "\n"


def _link(icon: str, link: str, name: str) -> dict[str, str]:
    return {"icon": icon, "link": link, "color": "#a2a2a2", "name": name}


def _button(name: str, icon: str, link: str, label: str, body: str) -> dict[str, str]:
    return {"name": name, "icon": icon, "body": body, "link": link, "label": label}


_EXPLORER: dict[str, Any] = {
    "tabTitle": "Data",
    "charts": {"project_id": {"chartType": "count", "title": "Projects"}},
    "filters": {"tabs": [{"title": "Case", "fields": ["project_id", "disease_type", "primary_site"]}]},
    "table": {"enabled": True, "fields": ["project_id", "submitter_id", "disease_type", "primary_site"]},
    "dropdowns": {},
    "buttons": [],
    "guppyConfig": {
        "dataType": "case",
        "nodeCountTitle": "Cases",
        "fieldMapping": [{"field": "disease_type", "name": "Disease type"}],
        "accessibleFieldCheckList": ["project_id"],
        "accessibleValidationField": "project_id",
    },
}
"""The fields that the chart's example mapping of the ETL makes."""
