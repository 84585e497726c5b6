from __future__ import annotations

import pytest

from maskworks.core.errors import UsageError
from maskworks.studio.campaign.assignment import assign
from maskworks.studio.campaign.campaign_file import read_campaign

LINEN = '[[concept]]\nname = "linen"\nmatch = "{}"\nbackgrounds = ["#eee"]\n[output]'


@pytest.fixture
def assigned(campaign_folder):
    def run(**options):
        return assign(read_campaign(campaign_folder.file), **options)

    return run


@pytest.fixture
def listed(campaign_folder, assigned):
    """Assign the pictures of a CSV."""

    def run(text):
        campaign_folder.write(text, "list.csv")
        campaign_folder.write(campaign_folder.file.read_text().replace('"photos"', '"list.csv"'))
        return assigned()

    return run


def concepts_of(assignment):
    return {item.source: item.concept for item in assignment.items}


def test_a_folder_gives_each_picture_its_concept_and_backgrounds(campaign_folder, assigned):
    first, second = assigned().items
    assert (first.source, second.source) == ("lifestyle/a.jpg", "lifestyle/day 2/b.jpg")
    assert first.path == campaign_folder.path / "photos/lifestyle/a.jpg"
    assert (first.sku, first.tags, first.concept) == ("a", (), "marble")
    assert [s.variant for s in first.backgrounds] == ["marble-a", "marble-b", "f4f1ec"]
    assert (first.rule, first.fault) == (None, None)


def test_the_output_folder_and_the_backgrounds_are_no_pictures(campaign_folder, assigned):
    campaign_folder.change('folder = "photos"', 'folder = "."')
    campaign_folder.change('match = "lifestyle/**"\n', "")
    campaign_folder.picture("out/done.jpg")
    sources = [item.source for item in assigned(beside=campaign_folder.path / "out").items]
    assert sources == ["photos/lifestyle/a.jpg", "photos/lifestyle/day 2/b.jpg"]


def test_other_files_are_counted(campaign_folder, assigned):
    campaign_folder.write("x", "photos/notes.txt")
    assert "1 file that is no picture, ignored: 1 TXT" in assigned().notes


# ------------------------------------------------------------------ concepts


def test_the_concept_without_match_takes_the_rest(campaign_folder, assigned):
    campaign_folder.picture("photos/pack/c.jpg")
    campaign_folder.change("[output]", '[[concept]]\nname = "plain"\n[output]')
    assert concepts_of(assigned())["pack/c.jpg"] == "plain"


def test_with_one_concept_a_picture_it_does_not_match_keeps_the_outputs_background(
    campaign_folder, assigned
):
    campaign_folder.picture("photos/pack/c.jpg")
    assignment = assigned()
    (item,) = [item for item in assignment.items if item.source == "pack/c.jpg"]
    assert (item.concept, item.backgrounds) == ("default", ())
    assert "no concept for 1 picture: the output's own background" in assignment.notes


def test_without_concepts_every_picture_has_the_default_one(campaign_folder, assigned):
    campaign_folder.write('[campaign]\nname = "a"\n[input]\nfolder = "photos"\n')
    assignment = assigned()
    assert {*concepts_of(assignment).values()} == {"default"}
    assert assignment.notes == ()


def test_with_several_concepts_a_picture_without_one_is_a_mistake(campaign_folder, assigned):
    campaign_folder.picture(*(f"photos/pack/{n}.jpg" for n in range(5)))
    campaign_folder.change("[output]", LINEN.format("other/**"))
    message = (
        r"campaign\.toml:14: no concept matches pack/0\.jpg, pack/1\.jpg, pack/2\.jpg and 2 more; "
        r".* without match"
    )
    with pytest.raises(UsageError, match=message):
        assigned()


def test_two_concepts_for_one_picture_are_named_with_the_picture(campaign_folder, assigned):
    campaign_folder.change("[output]", LINEN.format("**/b.jpg"))
    message = (
        r"toml:16: the concepts 'marble' \(line 11\) and 'linen' \(line 16\) all want "
        r"lifestyle/day 2/b\.jpg; narrow a match"
    )
    with pytest.raises(UsageError, match=message):
        assigned()


def test_a_concept_without_pictures_is_told(campaign_folder, assigned):
    campaign_folder.change("[output]", LINEN.format("none/**"))
    assert "the concept linen has no picture" in assigned().notes


def test_backgrounds_that_the_market_place_refuses_are_told(campaign_folder, assigned):
    campaign_folder.change('"shopify"', '"amazon-main"')
    (note,) = [note for note in assigned().notes if "allows only" in note]
    assert "#ffffff" in note
    assert "bg/marble-a.png, bg/marble-b.png, #f4f1ec of the concept marble" in note


# ------------------------------------------------------------------ exceptions


def test_a_hit_is_known_before_any_pixel_is_read(campaign_folder, assigned):
    (campaign_folder.path / "photos/lifestyle/a.jpg").write_bytes(b"not a picture")
    campaign_folder.write("rule,pattern,reason\nglob,a.jpg,odd\nsku,A*,late\n", "exceptions.csv")
    first, second = assigned().items
    assert first.rule is not None
    assert (first.rule.name, first.rule.reason, first.rule.line) == ("glob:a.jpg", "odd", 2)
    assert second.rule is None


def test_a_rule_without_a_hit_is_told(assigned):
    assert "the exception tag:clear packaging (line 2) hits no picture" in assigned().notes


# ------------------------------------------------------------------ a list


def test_a_list_gives_sku_tags_and_concept(campaign_folder, listed):
    campaign_folder.change("[output]", LINEN.format("none/**"))
    first, second = listed(
        "file;sku;tags;concept\n"
        "photos/lifestyle/a.jpg;A-1;Clear  Packaging, new;linen\n"
        "photos\\lifestyle\\day 2\\b.jpg;;;marble\n"
    ).items
    assert (first.sku, first.tags, first.concept) == ("A-1", ("clear packaging", "new"), "linen")
    assert first.rule is not None
    assert first.rule.name == "tag:clear packaging"
    assert (second.sku, second.source) == ("b", "photos/lifestyle/day 2/b.jpg")


def test_a_concept_that_a_list_names_goes_before_any_match(campaign_folder, listed):
    campaign_folder.change("[output]", LINEN.format("**"))
    text = "file,concept\nphotos/lifestyle/a.jpg,marble\n"
    assert [item.concept for item in listed(text).items] == ["marble"]


def test_a_file_that_is_not_there_stays_an_item_that_will_fail(listed):
    assignment = listed("file,concept\nphotos/gone.jpg,marble\n")
    (item,) = assignment.items
    assert item.fault is not None
    assert item.fault.code == "unreadable"
    assert "gone.jpg: does not exist (line 2 of the list)" in item.fault.message
    assert "1 picture in the list, but not on the disk" in assignment.notes


def test_columns_that_mean_nothing_are_told(listed):
    notes = listed("file,concept,price\nphotos/lifestyle/a.jpg,marble,3\n").notes
    assert "list.csv: the columns price are ignored" in notes


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param("photos/x.jpg,S1,\nphotos/y.jpg,s1,\n",
                     r"list\.csv:3: the SKU s1 is already in line 2; .*several_per_sku", id="sku"),
        pytest.param("photos/x.jpg,S1,\nphotos/../photos/x.jpg,S2,\n",
                     r"list\.csv:3: photos/\.\./photos/x\.jpg is already in line 2", id="file"),
        pytest.param("photos/x.jpg,S1,marbel\n",
                     r"csv:2: there is no concept 'marbel'; did you mean marble\?", id="concept"),
        pytest.param(",S1,\n", r"list\.csv:2: there is no file in this row", id="no-file"),
        pytest.param("", r"list\.csv: names no picture", id="empty"),
        pytest.param("".join(f"{n}.jpg,S,\n" for n in range(30)), "and 9 more mistakes", id="many"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_list_names_its_line(listed, rows, message):
    with pytest.raises(UsageError, match=message):
        listed(f"file,sku,concept\n{rows}")


def test_several_pictures_of_one_sku_are_allowed_when_asked(campaign_folder, listed):
    campaign_folder.change('model = "cutout"', "several_per_sku = true")
    text = "file,sku\nphotos/lifestyle/a.jpg,S1\nphotos/lifestyle/day 2/b.jpg,S1\n"
    assert [item.sku for item in listed(text).items] == ["S1", "S1"]


def test_an_empty_folder_says_what_to_put_into_it(campaign_folder, assigned):
    (campaign_folder.path / "empty").mkdir()
    campaign_folder.change('"photos"', '"empty"')
    with pytest.raises(UsageError, match=r"campaign\.toml:6: there is no picture in .*empty; put"):
        assigned()
