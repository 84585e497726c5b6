"""What went wrong while a clip was read, and the sentences that say so."""

from __future__ import annotations

from dataclasses import dataclass, field

COPY_AGAIN = "copy or export it again from where it came"
NO_DECODER = "needs a decoder that this FFmpeg does not have", "export it as H.264, VP9 or ProRes"


@dataclass
class Faults:
    """What went wrong while frames were read; times in seconds.

    `lost` frames could not be decoded, `concealed` ones only in part, `restamped` ones had no
    usable time; `resized` are (index, width, height); `cut_off` is where the stream ends and
    where it says it does; `broken` is what is wrong with the container.
    """

    lost: list[float] = field(default_factory=list)
    concealed: list[float] = field(default_factory=list)
    restamped: list[float] = field(default_factory=list)
    resized: list[tuple[int, int, int]] = field(default_factory=list)
    cut_off: tuple[float, float] | None = None
    broken: str | None = None
    interlaced: bool = False

    def sentences(self, hdr: str | None) -> tuple[str, ...]:
        """Return all of it as sentences.

        Parameters
        ----------
        hdr : "PQ" or "HLG", None for an ordinary clip

        Examples
        --------
        >>> Faults(lost=[0.4]).sentences(None)
        ('1 frame (at 0.40 s) damaged and could not be decoded: left out',)
        """
        told: list[str] = []
        if hdr is not None:
            told.append(
                f"HDR ({hdr}): colours are taken as they stand, without tone mapping, and look "
                "flat; the edges are not touched by that"
            )
        if self.interlaced:
            told.append("the frames are interlaced, each shows two moments: taken as they are")
        if self.lost:
            told.append(f"{_counted(self.lost)} damaged and could not be decoded: left out")
        if self.concealed:
            told.append(f"{_counted(self.concealed)} damaged and kept as far as it was decoded")
        if self.restamped:
            told.append(f"{_counted(self.restamped)} without a usable time stamp: one was made")
        if self.resized:
            index, width, height = self.resized[0]
            told.append(
                f"the size changes to {width}x{height} at frame {index}: "
                f"{len(self.resized)} frames were scaled to the size of the first"
            )
        if self.broken is not None:
            told.append(f"the file is damaged ({self.broken}): what could be read was kept")
        if self.cut_off is not None:
            at, stated = self.cut_off
            told.append(
                f"the stream is cut off: it says {stated:.2f} s and ends at {at:.2f} s; what "
                "could be read was kept"
            )
        return tuple(told)


def _counted(times: list[float]) -> str:
    """Return how many frames, and when: "3 frames (at 0.40, 0.44, 0.48 s)"."""
    shown = ", ".join(f"{time:.2f}" for time in times[:3]) + (", ..." if len(times) > 3 else "")
    return f"{len(times)} frame{'s' if len(times) > 1 else ''} (at {shown} s)"


def why_unreadable(error: Exception) -> tuple[str, str]:
    """Return what is wrong with a file that FFmpeg cannot open, and the way out."""
    kind = type(error).__name__
    if isinstance(error, PermissionError):
        return "may not be read", "allow this user to read it"
    if "Decoder" in kind:
        return NO_DECODER
    return "is no clip that can be read, or its header is damaged", COPY_AGAIN
