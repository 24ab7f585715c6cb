"""Go templates as a tree, for who runs them and for who only reads them."""

import pytest

from csoc.fleet.gotemplate.errors import TemplateError
from csoc.fleet.gotemplate.parsing import MAX_DEPTH, parse


def test_named_templates_have_their_names_pipelines_and_bodies() -> None:
    nodes = parse('{{define "a"}}x{{end}}{{template "a" .b}}{{block "c" $}}{{.d}}{{end}}{{template "e"}}')
    assert [(node.kind, node.name, node.pipe is not None, len(node.body)) for node in nodes] == [
        ("define", "a", False, 1),
        ("template", "a", True, 0),
        ("block", "c", True, 1),
        ("template", "e", False, 0),
    ]


def test_breaks_are_nodes_without_a_pipeline() -> None:
    (loop,) = parse("{{range .}}{{if .a}}{{break}}{{else}}{{continue}}{{end}}{{end}}")
    (choice,) = loop.body
    assert [node.kind for node in (*choice.body, *choice.otherwise)] == ["break", "continue"]


def test_what_is_declared_in_parentheses_is_theirs() -> None:
    (node,) = parse("{{ if ($x := .a) }}{{ end }}")
    assert node.pipe
    assert node.pipe.variables == ()
    ((group,),) = node.pipe.commands
    assert group.pipe
    assert (group.pipe.variables, group.pipe.declares) == (("$x",), True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{define}}{{end}}", "without a name"),
        ("{{define .a}}{{end}}", "without a name"),
        ("{{template 1}}", "without a name"),
        ('{{define "a"}}', "has no {{end}}"),
        ('{{define "a"}}{{else}}{{end}}', "{{else}} in {{define}}"),
        ("{{end}}", "unexpected"),
        ('{{define "a"}}' * (MAX_DEPTH + 1), "nested deeper"),
        ("{{" + "(" * (MAX_DEPTH + 2) + "1" + ")" * (MAX_DEPTH + 2) + "}}", "nested too deeply"),
    ],
)
def test_what_go_refuses_is_refused(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words.replace("{", r"\{")):
        parse(text)
