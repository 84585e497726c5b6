"""What clips are written as: one row a format, and which of them keep alpha exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from maskworks.core.errors import UsageError

FormatName = Literal[
    "webm", "prores", "qtrle", "ffv1", "webp", "apng", "gif", "png", "matte", "mp4"
]

CodecName = Literal["vp9", "h264"]


@dataclass(frozen=True, kw_only=True)
class ClipFormat:
    """How a clip is written.

    `pixel_format` is what the encoder takes; `alpha` says whether it holds alpha, `matte_only`
    that it holds nothing else; `joins` that parts can be put together without encoding again;
    `sound` names the codecs of sound that the container takes, None for any and () for none.
    """

    name: FormatName
    suffix: str
    container: str
    codec: str
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    alpha: bool = True
    matte_only: bool = False
    joins: bool = True
    sound: tuple[str, ...] | None = None

    @property
    def part_container(self) -> str:
        """The container of a part; time stamps in it are frame numbers."""
        return "mov" if self.container == "mov" else "matroska"

    @property
    def part_suffix(self) -> str:
        """The suffix of a part, with the dot."""
        return ".mov" if self.container == "mov" else ".mkv"


_VP9 = {
    "deadline": "realtime",
    "cpu-used": "8",
    "crf": "30",
    "b": "0",
    "row-mt": "1",
    "auto-alt-ref": "0",
    "lag-in-frames": "0",
}
_WEBM_SOUND = ("opus", "vorbis")

STORE = ClipFormat(
    name="ffv1",
    suffix=".mkv",
    container="matroska",
    codec="ffv1",
    pixel_format="bgra",
    options={"level": "3", "slices": "4"},
)
"""Every value is kept as it is."""

FORMATS: dict[FormatName, ClipFormat] = {
    "webm": ClipFormat(
        name="webm",
        suffix=".webm",
        container="webm",
        codec="libvpx-vp9",
        pixel_format="yuva420p",
        options=_VP9,
        sound=_WEBM_SOUND,
    ),
    "prores": ClipFormat(
        name="prores",
        suffix=".mov",
        container="mov",
        codec="prores_ks",
        pixel_format="yuva444p10le",
        options={"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
    ),
    "qtrle": ClipFormat(
        name="qtrle", suffix=".mov", container="mov", codec="qtrle", pixel_format="argb"
    ),
    "ffv1": STORE,
    "webp": ClipFormat(
        name="webp",
        suffix=".webp",
        container="webp",
        codec="libwebp_anim",
        pixel_format="bgra",
        options={"loop": "0", "quality": "75"},
        joins=False,
        sound=(),
    ),
    "apng": ClipFormat(
        name="apng",
        suffix=".apng",
        container="apng",
        codec="apng",
        pixel_format="rgba",
        options={"plays": "0", "pred": "none"},
        joins=False,
        sound=(),
    ),
    "gif": ClipFormat(
        name="gif",
        suffix=".gif",
        container="gif",
        codec="gif",
        pixel_format="pal8",
        joins=False,
        sound=(),
    ),
    "png": ClipFormat(
        name="png",
        suffix="",
        container="image2",
        codec="png",
        pixel_format="rgba",
        joins=False,
        sound=(),
    ),
    "matte": ClipFormat(
        name="matte",
        suffix=".mov",
        container="mov",
        codec="prores_ks",
        pixel_format="yuv422p10le",
        options={"profile": "hq", "vendor": "apl0"},
        alpha=False,
        matte_only=True,
    ),
}
"""What holds alpha, or is the matte itself."""

_OPAQUE: dict[tuple[str, CodecName], tuple[str, dict[str, str]]] = {
    ("webm", "vp9"): ("libvpx-vp9", _VP9),
    ("mp4", "vp9"): ("libvpx-vp9", _VP9),
    ("mp4", "h264"): ("libx264", {"preset": "veryfast", "crf": "20", "bf": "0"}),
}
BY_SUFFIX: dict[str, FormatName] = {
    ".webm": "webm",
    ".mov": "prores",
    ".mkv": "ffv1",
    ".webp": "webp",
    ".apng": "apng",
    ".gif": "gif",
    ".mp4": "mp4",
}
"""What a file name asks for."""


def clip_format(name: FormatName, *, opaque: bool, codec: CodecName | None = None) -> ClipFormat:
    """Return how a clip is written.

    Parameters
    ----------
    name : FormatName
    opaque : bool
        Whether something lies behind the subject.
    codec : CodecName, optional
        For opaque ``webm`` and ``mp4``; by default VP9.

    Raises
    ------
    UsageError
        If the format cannot hold what is asked of it.

    Examples
    --------
    >>> clip_format("webm", opaque=False).pixel_format, clip_format("mp4", opaque=True).codec
    ('yuva420p', 'libvpx-vp9')
    """
    if name == "mp4" and not opaque:
        raise UsageError(
            "mp4 has no alpha; give a --background (a colour, picture, clip, blur or green), or "
            "--format webm"
        )
    if name in ("webm", "mp4") and opaque:
        chosen = codec or "vp9"
        if (name, chosen) not in _OPAQUE:
            raise UsageError(f"--codec {chosen} does not go into {name}; write mp4")
        encoder, options = _OPAQUE[name, chosen]
        return ClipFormat(
            name=name,
            suffix=f".{name}",
            container=name,
            codec=encoder,
            pixel_format="yuv420p",
            options=options,
            alpha=False,
            sound=_WEBM_SOUND if name == "webm" else ("aac", "opus", "mp3", "ac3", "alac", "flac"),
        )
    if codec not in (None, "vp9") or (codec == "vp9" and name != "webm"):
        raise UsageError(
            f"--codec {codec} is for an opaque webm or mp4; {name} has a codec of its own"
        )
    return FORMATS[name]
