from __future__ import annotations

import subprocess
import sys

import pytest

from maskworks.studio import handoff


@pytest.mark.parametrize("name", handoff.__all__)
def test_public_name_is_there_and_explained(name):
    assert getattr(handoff, name).__doc__
    assert name in dir(handoff)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'psb'"):
        _ = handoff.psb


def test_asking_for_the_writers_imports_no_library_that_only_readers_need():
    code = (
        "import sys; from maskworks.studio.handoff import encode_psd, read_returned, trace; "
        "sys.exit(sum(name in sys.modules for name in ('cv2', 'psd_tools', 'scipy', 'skimage')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
