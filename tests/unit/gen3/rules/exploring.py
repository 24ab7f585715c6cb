"""A commons with an ETL, a Guppy and a portal that fit each other, for tests that spoil one thing at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from csoc.gen3.data_model.published import Lookup
from csoc.gen3.state import EnvironmentState
from csoc.testing.dictionaries import MemoryDictionaries, node, schema
from csoc.testing.states import NOW, environment_state

URL = "https://dictionary.example.org/1.0.0/schema.json"

ETL = """
etl:
  enabled: true
  esEndpoint: search
  etlMapping:
    mappings:
    - name: lab_case
      doc_type: case
      type: aggregator
      root: case
      props:
      - name: project_id
      - name: sex
      aggregated_props:
      - name: samples
        path: samples
        fn: count
    - name: lab_file
      doc_type: file
      type: collector
      root: None
      category: data_file
      props:
      - name: object_id
      injecting_props:
        case:
          props:
          - name: _case_id
            src: id
"""
GUPPY = """
guppy:
  enabled: true
  esEndpoint: search:9200
  indices:
  - {index: lab_case, type: case}
  - {index: lab_file, type: file}
"""
PORTAL = """
portal:
  enabled: true
  gitops:
    json: |
      {
        "graphql": {
          "boardCounts": [{"graphql": "_case_count", "name": "Case", "plural": "Cases"}],
          "chartCounts": [],
          "projectDetails": "boardCounts"
        },
        "explorerConfig": [
          {
            "charts": {"sex": {"chartType": "pie"}},
            "filters": {"tabs": [{"title": "Case", "fields": ["project_id"]}]},
            "table": {
              "fields": [
                "samples"
              ]
            },
            "buttons": [{"enabled": true, "type": "manifest"}],
            "guppyConfig": {
              "dataType": "case",
              "manifestMapping": {
                "resourceIndexType": "file",
                "resourceIdField": "object_id",
                "referenceIdFieldInResourceIndex": "_case_id",
                "referenceIdFieldInDataIndex": "_case_id"
              }
            }
          }
        ]
      }
"""
GLOBAL = f"""
global:
  dictionaryUrl: {URL}
"""
VALUES = GLOBAL + ETL + GUPPY + PORTAL


def dictionaries() -> MemoryDictionaries:
    """A dictionary of cases, samples and files at URL."""
    found = MemoryDictionaries()
    found.add(
        URL,
        schema(
            node("case", "sex", links=(("projects", "project", "cases"),)),
            node("sample", links=(("cases", "case", "samples"),)),
            node("reads", "object_id", category="data_file", links=(("samples", "sample", "read_files"),)),
        ),
    )
    return found


def state(values: str = VALUES, *, published: MemoryDictionaries | None = None, **more: Any) -> EnvironmentState:
    """An environment with these values, and the dictionary within reach."""
    context = {"now": NOW, "dictionaries": Lookup(published or dictionaries())}
    return environment_state(values, context=context, **more)


def changed(old: str, new: str, values: str = VALUES) -> str:
    """The values with one place changed."""
    assert values.count(old) == 1, (old, values.count(old))
    return values.replace(old, new)


def line_of(text: str, values: str) -> int:
    """The line (from 1) of the only place of a text."""
    assert values.count(text) == 1, (text, values.count(text))
    return values[: values.index(text)].count("\n") + 1


def with_portal(config: Mapping[str, Any], values: str = GLOBAL + ETL + GUPPY) -> str:
    """Values with another portal configuration, as a text in one line."""
    return values + yaml.safe_dump({"portal": {"enabled": True, "gitops": {"json": json.dumps(config)}}})
