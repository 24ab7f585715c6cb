"""Hosts that a cluster with Gen3 has to reach, where its way out is the allow-listing proxy.

AWS's own endpoints of the region are added by the layer itself. What a commons needs besides (its identity provider,
its dictionary's host) is written in the Cluster's document.
"""

from __future__ import annotations

GEN3_DOMAINS: tuple[str, ...] = (
    # Images: Gen3's registry, what its charts and the platform use beside it, and where they send those who download.
    ".quay.io",
    ".docker.io",
    ".docker.com",
    "ghcr.io",
    "pkg-containers.githubusercontent.com",
    "public.ecr.aws",
    "registry.k8s.io",
    ".pkg.dev",
    # Charts and sources that Argo CD reads.
    "helm.gen3.org",
    "uc-cdis.github.io",
    "argoproj.github.io",
    "charts.external-secrets.io",
    "aws.github.io",
    "kubernetes-sigs.github.io",
    "kubernetes.github.io",
    "github.com",
    "codeload.github.com",
    "objects.githubusercontent.com",
    "raw.githubusercontent.com",
    "release-assets.githubusercontent.com",
    # The published data dictionaries.
    "s3.amazonaws.com",
    # Certificates' revocation lists of AWS's own authority.
    ".amazontrust.com",
)
"""One that begins with a dot stands for a domain and all below it."""
