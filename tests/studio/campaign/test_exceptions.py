from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.campaign.exceptions import Rule, find_rule, read_exceptions

LIST = """\
# straight to a retoucher
Rule;Pattern;Reason
tag;glass;see-through

SKU;GLS-*;"glass; mostly"
glob;swatches/**;no product
"""


@pytest.fixture
def exceptions(tmp_path):
    def write(text):
        path = tmp_path / "exceptions.csv"
        path.write_text(text)
        return path

    return write


def test_list_is_read_with_its_lines(exceptions):
    rules = read_exceptions(exceptions(LIST))
    assert rules == (
        Rule("tag", "glass", "see-through", 3),
        Rule("sku", "GLS-*", "glass; mostly", 5),
        Rule("glob", "swatches/**", "no product", 6),
    )


@pytest.mark.parametrize(
    ("path", "sku", "tags", "expected"),
    [
        pytest.param("a.jpg", "X", ("new", "Glass"), "tag:glass", id="tag"),
        pytest.param("a.jpg", "gls-7", (), "sku:GLS-*", id="sku"),
        pytest.param("swatches/red/a.jpg", "", (), "glob:swatches/**", id="glob"),
        pytest.param("swatches/a.jpg", "GLS-1", ("glass",), "tag:glass", id="first-in-the-list"),
        pytest.param("a.jpg", "X-GLS-1", ("glassware",), None, id="none"),
        pytest.param("glass.jpg", "", ("",), None, id="nothing-to-look-at"),
    ],
)
def test_first_rule_that_fits_is_found(exceptions, path, sku, tags, expected):
    found = find_rule(read_exceptions(exceptions(LIST)), path=path, sku=sku, tags=tags)
    assert (found and found.name) == expected


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param("tags,a,b", r"csv:2: there is no rule 'tags'; did you mean tag\?", id="near"),
        pytest.param("colour,a,b", "csv:2: .* write one of glob, sku, tag", id="unknown"),
        pytest.param("tag,,b", "csv:2: the pattern is empty; say which files", id="pattern"),
        pytest.param("tag,a,", "csv:2: the reason is empty; say why", id="reason"),
        pytest.param("tag,a,b\ntag,A,c", "csv:3: the rule tag:A is already in line 2", id="twice"),
        pytest.param("tag,a,b,c", "csv:2: there are 4 cells", id="comma-in-a-reason"),
    ],
)
def test_broken_list_names_the_line(exceptions, rows, message):
    with pytest.raises(UsageError, match=message):
        read_exceptions(exceptions(f"rule,pattern,reason\n{rows}\n"))
