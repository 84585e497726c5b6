"""More frames around a finding, decoded when a reviewer asks for them, and not kept."""

from __future__ import annotations

import base64
from typing import Any

from maskworks.apps.http.errors import ApiError
from maskworks.apps.http.review.evidence import EvidenceFolder
from maskworks.apps.http.review.new_evidence import MEDIA
from maskworks.core.errors import UsageError
from maskworks.core.reading import Limits
from maskworks.scene.apart import frames_apart
from maskworks.scene.gathering import without_faces
from maskworks.scene.writing.exchange import timecode
from maskworks.scene.writing.files import RECORD, read_record

_EACH_SIDE = 4
_APART_S = 0.5


def more_frames(
    folder: EvidenceFolder, clip: str, finding: str, limits: Limits, seconds: float
) -> list[dict[str, Any]]:
    """Return frames half a second apart, two seconds to each side of a finding.

    Raises
    ------
    ApiError
        404 if the clip does not lie here.
    UsageError
        If there is no such finding.
    UnreadableError
        If the clip cannot be read, or not in so many seconds.
    """
    record = read_record(folder.find(clip) / RECORD)
    path = folder.out.parent / MEDIA / clip
    if record.media == "picture" or not clip or not path.is_file():
        raise ApiError(404, "not_found", "the clip does not lie here; look at it where it is")
    found = next((f for f in record.findings if f.id == finding), None)
    if found is None or found.frame_index is None:
        raise UsageError(f"{record.source}: there is no finding {finding[:40]!r} with a frame")
    rate = 1000 * record.frames / max(1, record.duration_ms)
    step = max(1, round(_APART_S * rate))
    places = (found.frame_index + step * n for n in range(-_EACH_SIDE, _EACH_SIDE + 1))
    indices = [at for at in places if 0 <= at < record.frames]
    frames = frames_apart(path, indices, limits=limits, seconds=seconds)
    shown = {each.index: each.jpeg for each in frames}
    if record.options.get("blur_faces") == "on":
        shown, _ = without_faces(shown)
    return [
        {
            "index": each.index,
            "time": timecode(each.time_ms)[:-2],
            "here": each.index == found.frame_index,
            "url": f"data:image/jpeg;base64,{base64.b64encode(shown[each.index]).decode()}",
        }
        for each in frames
    ]
