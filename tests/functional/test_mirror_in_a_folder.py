"""Charts of the platform that the settings have in a folder are read there, though the fleet's documents name it; by
any other csoc they are refused like every path of a machine."""

from __future__ import annotations

from pathlib import Path

from csoc import bootstrap
from tests.functional.command import Command

APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: platform-external-secrets, namespace: argocd}}
spec:
  project: default
  source: {{repoURL: '{url}', path: external-secrets, targetRevision: external-secrets-1.3.2}}
  destination: {{server: https://kubernetes.default.svc, namespace: external-secrets}}
"""


def test_a_fleet_whose_platform_comes_from_the_mirror_is_read_with_the_mirrors_setting_only(tmp_path: Path) -> None:
    charts, fleet = tmp_path / "charts", tmp_path / "fleet"
    (charts / "external-secrets").mkdir(parents=True)
    (charts / "external-secrets" / "Chart.yaml").write_text("apiVersion: v2\nname: external-secrets\nversion: 1.3.2\n")
    bootstrap.found_repository(charts, "Charts", name="Ada", email="ada@example.org", tags=["external-secrets-1.3.2"])
    csoc = Command(tmp_path / "home", tmp_path)
    assert csoc("fleet", "init", str(fleet)).code == 0
    place = fleet / "clusters" / "reef" / "applications" / "platform.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(APPLICATION.format(url=charts.as_uri()))
    refused = csoc("fleet", "show", "--fleet", str(fleet))
    assert "A repository may not name a path on this machine" in refused.out
    csoc.variables["CSOC_PLATFORM_MIRROR"] = (tmp_path / "other").as_uri()
    assert csoc("fleet", "show", "--fleet", str(fleet)).out == refused.out
    csoc.variables["CSOC_PLATFORM_MIRROR"] = charts.as_uri()
    shown = csoc("fleet", "show", "--fleet", str(fleet))
    assert "could not be read" not in shown.out
    assert "it deploys external-secrets" in shown.out
