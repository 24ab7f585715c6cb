"""Settings of the reverse proxy that a robots.txt undoes."""

from csoc.gen3.rules.robots_file_resets_proxy import check
from csoc.testing.states import environment_state
from tests.unit.gen3.rules.cases import hostile, line

CASE = """revproxy:
  enableRobotsTxt: true
  nginx:
    resolver: dns.example.org
    user: nginx
  service:
    targetPort: 8080
"""


def test_what_is_lost_is_one_hit_with_all_places() -> None:
    (hit,) = check(environment_state(CASE))
    assert hit.key == "revproxy.service.targetPort revproxy.nginx.resolver"
    assert [line(hit, number) for number in range(3)] == [2, 7, 4]


def test_quiet_for_what_the_file_says_anyway() -> None:
    own = CASE.replace("dns.example.org", "kube-dns.kube-system.svc.cluster.local").replace("8080", "80")
    assert not list(check(environment_state(own)))


def test_quiet_without_the_file_and_without_settings() -> None:
    assert not list(check(environment_state(CASE.replace("enableRobotsTxt: true", "enableRobotsTxt: false"))))
    assert not list(check(environment_state("revproxy: {enableRobotsTxt: true}")))


def test_quiet_where_the_proxy_is_off() -> None:
    assert not list(check(environment_state(CASE + "  enabled: false\n")))


def test_survives_wrong_types() -> None:
    for text in hostile(CASE, "revproxy.nginx.resolver", "revproxy.service.targetPort", "revproxy.enableRobotsTxt"):
        list(check(environment_state(text)))
