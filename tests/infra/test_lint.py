"""cfn-lint finds nothing in the templates of clusters, in any size."""

from __future__ import annotations

import cfnlint.api
import pytest

from csoc.provisioning.layers import OwnerKind, layers_of
from tests.infra.documents import REGION, SIZES
from tests.infra.templates import texts

# W3010 warns of zones that are written out; this example is the one that names them.
NAMED = {"large": ("W3010",)}


@pytest.mark.parametrize("layer", [one.name for one in layers_of(OwnerKind.CLUSTER)])
@pytest.mark.parametrize("size", SIZES)
def test_the_template_is_clean(size: str, layer: str) -> None:
    text = texts(size).get(layer)
    if text is None:
        assert (size, layer) in {("small", "egress"), ("large", "egress")}
        return
    found = [one for one in cfnlint.api.lint(text, regions=[REGION]) if one.rule.id not in NAMED.get(size, ())]
    assert [str(one) for one in found] == []
