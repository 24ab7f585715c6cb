"""Values of somebody else's document, taken for what they are or for nothing."""

from csoc.fleet import shapes

ODD: tuple[object, ...] = (None, True, 7, 1.5, "text", [1], {"a": 1}, {}, [], "", (1,))


def test_each_shape_is_kept_as_it_is_and_all_others_are_empty() -> None:
    for value in ODD:
        assert shapes.mapping(value) == (value if isinstance(value, dict) else {})
        assert shapes.items(value) == (value if isinstance(value, list) else [])
        assert shapes.text(value) == (value if isinstance(value, str) else "")


def test_a_list_of_mappings_loses_everything_else() -> None:
    assert shapes.mappings([1, {"a": 1}, None, [{}], {}]) == [{"a": 1}, {}]
    assert shapes.mappings({"a": 1}) == []
