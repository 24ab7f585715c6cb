"""Each component writes its search endpoint in a form of its own, and none checks what it is given.

The proxies want a host: aws-es-proxy puts https:// before it, aws-sigv4-proxy signs for it. The ETL's clean-up puts
:9200 behind its endpoint (chart 0.3.90, charts/etl/templates/es-garbage-collect-cronjob.yaml). guppy and metadata take
both forms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from csoc.gen3.findings import Severity
from csoc.gen3.gen3_values import Gen3Values
from csoc.gen3.rules.model import Hit, Rule
from csoc.gen3.rules.search_server_missing import PROXIES
from csoc.gen3.rules.support.certainty import values_complete
from csoc.gen3.rules.support.patching import set_value
from csoc.gen3.state import EnvironmentState

_PLACEHOLDER = "test.us-east-1.es.amazonaws.com"


def check(state: EnvironmentState) -> Iterator[Hit]:
    """One hit for each endpoint that is a placeholder or has the wrong form."""
    values = Gen3Values(state)
    if not values_complete(state):
        return
    for proxy in PROXIES:
        if values.on(proxy):
            yield from _proxy(state, values, proxy)
    endpoint = values.text("etl.esEndpoint")
    if values.on("etl") and state.written("etl.esEndpoint") and re.fullmatch(r"[\w.-]+:\d+", endpoint):
        yield Hit(
            cause="etl.esEndpoint holds a port, and the ETL's clean-up adds one more",
            key="etl port",
            evidence=(state.at("etl.esEndpoint"),),
            severity=Severity.LOW,
            consequence="The CronJob that removes old indices cannot reach the server, and they pile up.",
            fix="Set etl.esEndpoint to the host alone, for example elasticsearch.",
        )


def _proxy(state: EnvironmentState, values: Gen3Values, proxy: str) -> Iterator[Hit]:
    path = f"{proxy}.esEndpoint"
    endpoint = values.text(path).strip()
    if endpoint in ("", _PLACEHOLDER):
        yield Hit(
            cause=f"{proxy} is on, but {path} is {'the placeholder of the chart' if endpoint else 'empty'}",
            key=f"{proxy} placeholder",
            evidence=(state.at(path, "" if state.written(path) else f"{path} is not set"),),
        )
    elif "://" in endpoint:
        host = endpoint.partition("://")[2].strip("/")
        yield Hit(
            cause=f"{path} holds a scheme, and {proxy} wants the host alone",
            key=f"{proxy} scheme",
            evidence=(state.at(path),),
            fix=f"Take the scheme off: {host}.",
            patches=set_value(state, path, host) if re.fullmatch(r"[\w.-]+", host) else (),
        )


RULE = Rule(
    id="search-endpoint-unusable",
    title="A search endpoint that its reader cannot use",
    severity=Severity.HIGH,
    consequence="The proxy reaches no server: the explorer shows no data, guppy does not start, and the ETL fails.",
    fix="Set <proxy>.esEndpoint to the host of the OpenSearch domain, without https://.",
    covers=("M7",),
    environment=check,
)
