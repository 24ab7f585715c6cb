"""One example of each kind, as a person would write it: for the reference, and for the folders of a new fleet.

A test reads them all together as one fleet, so that none of them teaches something that csoc would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FRAME = "apiVersion: csoc.gen3.org/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n  uid: {uid}\nspec:\n"

_FLEET = """\
  stages: [dev, staging, prod]      # the order of promotion, production last
"""

_ACCOUNT = """\
  provider: aws
  id: "012345678901"                # in quotes, or YAML makes a number of it
  purpose: workload
  regions: [us-east-1]
"""

_CLUSTER = """\
  account: research-prod            # the Account that it runs in
  provider: existing                # csoc reads it and never changes it
  region: us-east-1
  kubernetesVersion: "1.33"         # in quotes, or "1.30" becomes 1.3
  destination:                      # how Argo CD Applications address it
    server: https://kubernetes.default.svc
  folder: clusters/research         # Applications below this folder run on it
  applications: clusters/research/applications
  layers:
    - name: network
      from: {stack: research-network}   # whose outputs csoc reads
"""

_COMMONS = "  {}                                # a mesh lists its commons here:  members: [heart, lung]\n"

_ENVIRONMENT = """\
  commons: heart
  cluster: research
  stage: prod                       # or unknown
  slot: blue                        # only where two environments of a commons share a stage
  hostname: heart.example.org
  namespace: heart
  release: heart                    # the Helm release
  application:                      # the Argo CD Application that deploys it
    path: clusters/research/applications/heart-prod.yaml
    name: heart-prod
  values:                           # in the order in which they count, the last one winning
    - commons/heart/heart-prod/values/10-common.yaml
    - commons/heart/heart-prod/values/20-portal.yaml
    - repository: https://github.com/example/shared-values
      revision: v12
      path: gen3/defaults.yaml
  chart:
    repoURL: https://helm.gen3.org
    chart: gen3
    revision: "0.3.90"
  gated: true                       # values and chart are pinned; only an apply moves the pins
  size: medium
  services: [standard, workspaces]  # bundles and services
  edge:
    allow: [203.0.113.0/24]         # left out, everybody may open the site
  layers:                           # what is not named exists already
    - name: database
      provider: aws
      settings: {backup_days: 35}   # differs from the size's
"""

_RELEASE = """\
  chart:
    repoURL: https://helm.gen3.org
    chart: gen3
    revision: "0.3.90"
  images:                           # in quotes, or "2025.10" becomes 2025.1
    fence: "2025.10"
    sheepdog: "2025.10"
  dictionary: https://example.org/dictionaries/heart/3.2.0/schema.json
"""

_WAIVERS = """\
apiVersion: csoc.gen3.org/v1alpha1
kind: Waivers
metadata:
  name: waivers
spec:
  waivers:
    - rule: chart-not-pinned
      environments: ["*-dev"]       # names or patterns; left out, it covers all
      reason: Development follows the chart's main branch, to see its changes early.
      owner: platform-team
      expires: 2027-06-30           # the last day on which it holds
"""

_BASELINE = """\
apiVersion: csoc.gen3.org/v1alpha1
kind: Baseline
metadata:
  name: baseline
spec:
  madeAt: 2026-11-23T09:00:00Z
  commit: 0123456789abcdef0123456789abcdef01234567
  csoc: "0.1.0"
  charts:
    - https://helm.gen3.org/gen3@0.3.90
  findings:
    - rule: chart-not-pinned
      fingerprint: 89abcdef01234567
      environments: [heart-prod]
      cause: The chart gen3 is not pinned to a version
"""


def _framed(kind: str, name: str, uid: str, spec: str) -> str:
    text = _FRAME.format(kind=kind, name=name, uid=uid) + spec
    return text.replace("spec:\n  {}", "spec: {}")


EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "Fleet": _framed("Fleet", "example", "a1b2c3d4e5", _FLEET),
        "Account": _framed("Account", "research-prod", "b1b2c3d4e5", _ACCOUNT),
        "Cluster": _framed("Cluster", "research", "c1b2c3d4e5", _CLUSTER),
        "Commons": _framed("Commons", "heart", "d1b2c3d4e5", _COMMONS),
        "Environment": _framed("Environment", "heart-prod", "e1b2c3d4e5", _ENVIRONMENT),
        "Release": _framed("Release", "2026.11", "f1b2c3d4e5", _RELEASE).replace("name: 2026.11", 'name: "2026.11"'),
        "Waivers": _WAIVERS,
        "Baseline": _BASELINE,
    }
)
"""By kind, as YAML text."""
