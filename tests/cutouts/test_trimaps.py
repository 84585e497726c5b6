from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from maskworks.batch.work import Work
from maskworks.core import ImageError, UsageError
from maskworks.core.errors import UnreadableError
from maskworks.core.reading import Limits
from maskworks.cutouts.trimaps import Trimaps, trimaps_at


def work_for(folder, name):
    source = folder / "in" / f"{name}.jpg"
    return Work(source=source, shown=str(source), output=folder / "out" / f"{name}.png")


def drawn(path: Path, levels=(0, 128, 255), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = np.repeat(np.array([levels], np.uint8), 4, 0)
    PillowImage.fromarray(grey).convert(mode).save(path)
    return path


def test_a_folder_of_trimaps_mirrors_the_tree_of_the_outputs(tmp_path):
    found = drawn(tmp_path / "tri/a/shoe.png")
    drawn(tmp_path / "tri/b/shoe.png", (255, 255, 255))
    trimaps = trimaps_at(str(tmp_path / "tri"), tmp_path / "out", pictures=2)
    work = work_for(tmp_path, "a/shoe")
    assert trimaps.find(work) == found
    levels = trimaps.read(work, (4, 3), Limits()).levels
    assert levels[0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".bmp"])
def test_every_format_without_loss_is_found(tmp_path, suffix):
    found = drawn(tmp_path / f"tri/shoe{suffix}")
    assert Trimaps(tmp_path / "tri", tmp_path / "out").find(work_for(tmp_path, "shoe")) == found


def test_one_file_serves_one_picture(tmp_path):
    path = drawn(tmp_path / "mine.png")
    assert trimaps_at(str(path), None, pictures=1).find(work_for(tmp_path, "any")) == path
    with pytest.raises(UsageError, match="one file for 3 pictures"):
        trimaps_at(str(path), None, pictures=3)


def test_none_given_is_none():
    assert trimaps_at(None, None, pictures=5) is None


def test_a_place_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no such file or folder"):
        trimaps_at(str(tmp_path / "missing"), None, pictures=1)


def test_a_picture_without_a_trimap_says_where_it_was_looked_for(tmp_path):
    (tmp_path / "tri").mkdir()
    with pytest.raises(UnreadableError, match=r"has no trimap, .*shoe\.png does not exist"):
        Trimaps(tmp_path / "tri", tmp_path / "out").find(work_for(tmp_path, "shoe"))


def test_a_trimap_of_another_size_is_refused_with_both_sizes(tmp_path):
    path = drawn(tmp_path / "mine.png")
    with pytest.raises(ImageError, match="the trimap is 3x4, its picture 5x4"):
        Trimaps(path, None).read(work_for(tmp_path, "any"), (4, 5), Limits())


def test_a_coloured_trimap_is_refused(tmp_path):
    path = tmp_path / "mine.png"
    PillowImage.new("RGB", (3, 4), (255, 0, 0)).save(path)
    with pytest.raises(ImageError, match="is in colours, a trimap is grey"):
        Trimaps(path, None).read(work_for(tmp_path, "any"), (4, 3), Limits())
