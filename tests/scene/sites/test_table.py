"""sites.csv: what is right is read, what is wrong is named by line and column."""

from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.scene.sites.table import read_sites
from maskworks.scene.sites.venues import venue_of


def write(folder, text):
    path = folder / "sites.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_full_row_is_read_and_paths_are_relative_to_the_table(tmp_path):
    path = write(
        tmp_path,
        "id,name,venue,lat,lon,photos,polygon,hours,audience\n"
        'a1,High Street,302,52.5,13.4,a1,"0.1,0.2, 0.3,0.2, 0.3,0.4",07:00-22:00,12000\n',
    )
    row = read_sites(path)[0]
    assert (row.id, row.name, row.venue, row.audience) == ("a1", "High Street", 302, 12000.0)
    assert row.photos == tmp_path / "a1"
    assert row.polygon == ((0.1, 0.2), (0.3, 0.2), (0.3, 0.4))
    assert row.hours == ((420, 1320),)
    assert row.notes == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("name,photos\nx,x\n", "no column 'id'", id="no id"),
        pytest.param("id,photos,venu\na,a,302\n", "did you mean venue", id="strange column"),
        pytest.param("id,photos\n../a,a\n", "line 2: id is", id="id with a path"),
        pytest.param("id,photos\na,\n", "photos is empty", id="no photos"),
        pytest.param("id,photos\na,a\na,b\n", "stands in two rows", id="twice"),
        pytest.param("id,photos,lat\na,a,52\n", "one of lat and lon", id="half a place"),
        pytest.param("id,photos,lat,lon\na,a,x,1\n", "lat is 'x'", id="no number"),
        pytest.param("id,photos,audience\na,a,-5\n", "audience is '-5'", id="negative"),
        pytest.param("id,photos,hours\na,a,7-22\n", "hours is '7-22'", id="hours"),
        pytest.param('id,photos,polygon\na,a,"0,0,1,1"\n', "three corners", id="two corners"),
        pytest.param('id,photos,polygon\na,a,"0,0,90,1,1,1"\n', "in shares", id="pixels"),
        pytest.param("id,photos\n", "holds no site", id="empty"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read_sites(write(tmp_path, text))


def test_what_can_be_set_aside_is_set_aside_and_told(tmp_path):
    rows = read_sites(
        write(
            tmp_path,
            "id,photos,venue,lat,lon\n"
            "a,a,999,52.50,13.40\nb,b,302,52.51,13.41\nc,c,,52.52,13.42\n"
            "d,d,,13.43,52.53\ne,e,,120,50\nf,f,,200,300\n",
        )
    )
    notes = {row.id: " ".join(row.notes) for row in rows}
    assert rows[0].venue is None
    assert "'999' is not in OpenOOH 1.2" in notes["a"]
    assert not notes["b"]
    assert "they look swapped, and are kept" in notes["d"]
    assert rows[4].lat is None
    assert "look swapped, so neither is used" in notes["e"]
    assert "is no place on earth" in notes["f"]


def test_venues_map_to_the_version_that_adcom_has_a_number_for():
    assert venue_of(104).id_1_1 == 104
    assert venue_of(307).id_1_1 == 104
    assert venue_of(305).id_1_1 == 302
    assert venue_of(302).outdoor
    assert not venue_of(205).outdoor
    assert venue_of(110103).above == (11, 1101, 110103)
    assert venue_of(0) is None
