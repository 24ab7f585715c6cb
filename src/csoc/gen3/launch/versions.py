"""What a new commons is pinned to: a chart, and one released image of each service.

The chart's own defaults are the tags of branches, so pinning the chart alone pins nothing. The versions here are those
that production commons of Gen3's makers ran with this chart in the summer of 2026. A Release of the fleet takes their
place, where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CHART_REPOSITORY = "https://helm.gen3.org"
CHART_NAME = "gen3"
CHART_VERSION = "0.3.90"

KUBERNETES = "1.35"
"""In EKS's standard support until 2027-03-27. EKS has 1.36 since 2026-06-02, but the platform's charts do not all."""

MONTHLY = "2026.06"
"""Gen3's services are released together, by month."""

TAGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ambassador": {"ambassador.image.tag": "1.4.2"},
        "arborist": {"arborist.image.tag": MONTHLY},
        "audit": {"audit.image.tag": MONTHLY},
        "aws-es-proxy": {"aws-es-proxy.image.tag": MONTHLY},
        "etl": {"etl.image.tube.tag": "2026.04", "etl.image.spark.tag": "2026.04"},
        "fence": {"fence.image.tag": MONTHLY},
        "frontend-framework": {"frontend-framework.image.tag": "1.3.2"},
        "gen3-user-data-library": {"gen3-user-data-library.image.tag": "2026.07"},
        "guppy": {"guppy.image.tag": "2026.04"},
        "hatchery": {
            "hatchery.image.tag": MONTHLY,
            "hatchery.hatchery.sidecarContainer.image": "quay.io/cdis/ecs-ws-sidecar:0.3.2",
        },
        "indexd": {"indexd.image.tag": MONTHLY},
        "manifestservice": {"manifestservice.image.tag": MONTHLY},
        "metadata": {"metadata.image.tag": MONTHLY},
        "ohif-viewer": {"ohif-viewer.image.tag": "gen3-v3.8.0"},
        "orthanc": {"orthanc.image.tag": "orthancteam-master-gen3-24.3.5"},
        "peregrine": {"peregrine.image.tag": MONTHLY},
        "portal": {"portal.image.tag": MONTHLY},
        "requestor": {"requestor.image.tag": MONTHLY},
        "revproxy": {"revproxy.image.tag": MONTHLY},
        "sheepdog": {"sheepdog.image.tag": MONTHLY},
        "sower": {"sower.image.tag": MONTHLY},
        "ssjdispatcher": {"ssjdispatcher.image.tag": MONTHLY},
        "wts": {"wts.image.tag": MONTHLY},
    }
)
"""By service: values path to tag (or to a whole image, where the chart has it in one)."""

JOB_IMAGES: Mapping[str, str] = MappingProxyType(
    {
        "global.fence_container_image": f"quay.io/cdis/fence:{MONTHLY}",
        "global.awshelper_container_image": "quay.io/cdis/awshelper:2026.07",
    }
)
"""Images of the chart's jobs, by values path."""

DICTIONARY = "https://s3.amazonaws.com/dictionary-artifacts/gtexdictionary/4.0.6/schema.json"
"""A published data dictionary with the nodes that Gen3's own examples have, at a version."""
