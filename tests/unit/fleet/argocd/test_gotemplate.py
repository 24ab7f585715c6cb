"""The subset of Go templates. Expected outputs were taken from Go's own text/template with sprig's rules."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csoc.errors import CsocError
from csoc.fleet.argocd.gotemplate.evaluation import SubsetRenderer
from csoc.fleet.argocd.gotemplate.values import TemplateError, UnsupportedError, as_go, shown

PARAMS: dict[str, Any] = as_go(
    {
        "name": "Portal",
        "path": {"basename": "prod", "segments": ["apps", "prod"], "path": "apps/prod"},
        "replicas": 3,
        "million": 1000000,
        "account": 1234567,
        "share": 1.5,
        "on": True,
        "empty": "",
        "files": ["a.yaml", "b.yaml"],
        "metadata": {"labels": {"example.org/stage": "prod"}},
        "nothing": None,
    }
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{.name}}", "Portal"),
        ("{{ .path.basename }}-{{ .name | lower }}", "prod-portal"),
        ("{{index .path.segments 0}}", "apps"),
        ('{{ index .metadata.labels "example.org/stage" }}', "prod"),
        ("{{.replicas}} {{.million}} {{.account}} {{.share}}", "3 1e+06 1.234567e+06 1.5"),
        ("{{.on}} {{.path}}", "true map[basename:prod path:apps/prod segments:[apps prod]]"),
        ("{{.missing}}", "<no value>"),
        ("{{.missing.deeper}}", "<no value>"),
        ("{{.nothing}}", "<no value>"),
        ('{{ .missing | default "x" }}{{ default "y" .empty }}{{ .name | default "z" }}', "xyPortal"),
        ("{{ .name | upper | quote }}", '"PORTAL"'),
        ('{{ .name | trimPrefix "Por" | trimSuffix "l" }}', "ta"),
        ('{{ .path.path | replace "/" "-" }}', "apps-prod"),
        ("{{- if .on }} yes {{- else }} no {{- end }}", " yes"),
        ("{{ if .empty }}a{{ else if eq .name `Portal` }}b{{ else }}c{{ end }}", "b"),
        ('{{ if and .on (ne .name "x") }}a{{ end }}{{ if or .empty .nothing }}b{{ end }}', "a"),
        ('{{ if not (hasKey .path "x") }}a{{end}}', "a"),
        ("{{ range .files }}[{{ . }}]{{ end }}", "[a.yaml][b.yaml]"),
        ("{{ range $i, $f := .files }}{{ $i }}={{ $f }};{{ end }}", "0=a.yaml;1=b.yaml;"),
        ("{{ range .missing }}x{{ else }}none{{ end }}", "none"),
        ("{{ with .path }}{{ .basename }}/{{ $.name }}{{ end }}", "prod/Portal"),
        ("{{ $x := 1 }}{{ if .on }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := .path }}{{ $x.basename }}{{ (index .files 1) }}", "prodb.yaml"),
        ("a {{- /* a comment */ -}} b", "ab"),
        ('{{ printf "%s-%05d|%5s|%-5s|%q|%v" .name 42 "b" "c" "q" .million }}', 'Portal-00042|    b|c    |"q"|1e+06'),
        ('{{ "}}" }}{{ `{{` }}', "}}{{"),
        ('{{ .name | trunc 3 }}{{ splitList "/" .path.path | last }}{{ join "," .files }}', "Porproda.yaml,b.yaml"),
        ('{{ ternary "a" "b" .on }}{{ coalesce .empty .name }}', "aPortal"),
        ("{{ dig `labels` `x` `none` .metadata }}{{ len .files }}", "none2"),
        ("{{ normalize `My_App.` }} {{ toJson .path.segments }}", 'my-app ["apps","prod"]'),
        ("{{ eq .name `a` `Portal` }} {{ lt 1 2 }} {{ ge 2 2 }}", "true true true"),
        ("{{ add 1 2 }} {{ sub 5 3 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }}", "3 2 6 3 1"),
        ("{{ nindent 2 `a\nb` }}", "\n  a\n  b"),
        ("{{ `x` | b64enc | b64dec }}", "x"),
        ('{{ "a\\tb\\x41" }}', "a\tbA"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ print 1 2 `a` 3 true }}", "1 2a3 true"),
        ("{{ title `a/b.c d_e` }}", "A/B.C D_e"),
        ("{{ add `3` 1 .nothing }} {{ max .missing 2 }}", "4 2"),
        ("{{ join `,` 1 }}{{ fromJson `x` }}{{ hasKey .nothing `a` }}", "1<no value>false"),
    ],
)
def test_a_template_prints_what_go_prints(text: str, expected: str) -> None:
    assert SubsetRenderer().render(text, PARAMS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{ .name",
        "{{ if .on }}x",
        "{{ end }}",
        "{{ else }}",
        '{{ "open }}',
        "{{ (index .files 0 }}",
        "{{ | lower }}",
        "{{ .name .on }}",
        "{{ $undefined }}",
        "{{ .name.deeper }}",
        "{{ index .files 9 }}",
        "{{ eq .replicas 3 }}",
        "{{ eq .name .on }}",
        "{{ lower .replicas }}",
        "{{ div 1 0 }}",
        "{{ fail `no` }}",
        "{{ range .name }}x{{ end }}",
        "{{ ! }}",
        "{{ nil }}",
        "{{ indent .replicas `a` }}",
        "{{ index .files `a` }}",
        "{{ ternary `a` `b` .name }}",
        "{{ dig `x` .path }}",
        "{{ repeat -1 `a` }}",
        "{{ range $i, $e := 3 }}{{ end }}",
    ],
)
def test_what_go_refuses_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(TemplateError) as error:
        SubsetRenderer().render(f"first line\n{text}", PARAMS)
    assert not isinstance(error.value, UnsupportedError)
    assert error.value.line == 2


@pytest.mark.parametrize(
    "text", ["{{ regexMatch `a` .name }}", "{{ now }}", "{{ b64dec `!` }}", "{{ define `x` }}{{ end }}", "{{ 'a' }}"]
)
def test_what_only_csoc_does_not_know_is_refused_by_name(text: str) -> None:
    with pytest.raises(UnsupportedError):
        SubsetRenderer().render(text, PARAMS)


@pytest.mark.parametrize("text", ["{{.missing}}", "{{ .path.missing }}", "{{ if .missing }}{{ end }}"])
def test_a_missing_key_is_an_error_if_the_options_say_so(text: str) -> None:
    with pytest.raises(TemplateError, match="missing"):
        SubsetRenderer().render(text, PARAMS, ("missingkey=error",))
    SubsetRenderer().render(text, PARAMS, ("missingkey=zero",))


@pytest.mark.parametrize(
    "text",
    [
        "{{ range .many }}{{ range $.many }}{{ range $.many }}x{{ end }}{{ end }}{{ end }}",
        "{{ $x := `aaaaaaaaaaaaaaaaaaaa` }}{{ range .many }}{{ $x = repeat 100 $x }}{{ end }}{{ $x }}",
        "{{ range .many }}{{ range $.many }}{{ $y := repeat 500000 `ab` }}{{ end }}{{ end }}",
        "{{ range 999999999999 }}{{ end }}",
        "{{ if .on }}" * 200 + "{{ end }}" * 200,
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    ],
)
def test_a_template_made_to_explode_ends_soon(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateError):
        SubsetRenderer().render(text, {"many": list(range(1000)), "on": True})
    assert time.monotonic() - started < 10


def test_no_text_longer_than_the_limit_is_printed() -> None:
    big = {"big": "a" * 600_000}
    assert len(SubsetRenderer().render("{{ .big }}", big)) == 600_000
    with pytest.raises(TemplateError, match="prints more"):
        SubsetRenderer().render("{{ .big }}{{ .big }}", big)


TEXT = st.text(alphabet='{}. |()"$-:=abifndrgeltws01,`\n', max_size=60)
PIECES = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    " if ",
    " end ",
    " range ",
    ".a",
    "$x",
    ":=",
    "|",
    "(",
    ")",
    '"a"',
    " lower ",
    " 1 ",
]


@given(st.one_of(TEXT, st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
def test_any_text_is_rendered_or_refused_and_never_anything_else(text: str) -> None:
    try:
        result = SubsetRenderer().render(text, {"a": "x", "b": [1.0], "i": {"f": None}})
    except CsocError:
        return
    assert isinstance(result, str)


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_whole_numbers_print_the_digits_they_have(number: int) -> None:
    text = shown(as_go(number))
    assert float(text) == float(number)
    assert ("e" in text) == (abs(number) >= 1_000_000)
