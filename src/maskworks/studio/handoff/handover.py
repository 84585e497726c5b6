"""What a retoucher gets of one picture, before it becomes a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from maskworks.core.errors import ImageError

if TYPE_CHECKING:
    from maskworks.core.values import Image, Matte
    from maskworks.studio.handoff.clipping import ClippingPath


@dataclass(frozen=True)
class Guides:
    """Lines to work along: `rows` run across, `columns` down; pixels from the top left corner."""

    rows: tuple[float, ...] = ()
    columns: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Handover:
    """A picture, what was cut out of it, and what helps to do better.

    Parameters
    ----------
    name : str
        What the document calls itself.
    image : Image of shape (H, W)
        The original, whole.
    matte : Matte of shape (H, W)
    foreground : Image of shape (H, W), optional
        The subject's colours without the background that shone through.
    path : ClippingPath of an (H, W) picture, optional
    dpi : (horizontal, vertical), optional

    Raises
    ------
    ImageError
        If the sizes differ.
    """

    name: str
    image: Image = field(repr=False)
    matte: Matte = field(repr=False)
    foreground: Image | None = field(default=None, repr=False)
    path: ClippingPath | None = field(default=None, repr=False)
    guides: Guides = Guides()
    dpi: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        parts = {"matte": self.matte, "foreground": self.foreground, "path": self.path}
        for name, part in parts.items():
            if part is not None and part.size != self.image.size:
                raise ImageError(
                    f"the {name} is {part.size}, the image {self.image.size}; they must agree"
                )


def subject_guides(matte: Matte) -> Guides:
    """Return guides at the edges of the subject's box and through its centre.

    Parameters
    ----------
    matte : Matte of shape (H, W)
        The subject is where alpha >= 0.5; without one there are no guides.

    Examples
    --------
    >>> import numpy as np
    >>> from maskworks.core.values import Matte
    >>> subject_guides(Matte(np.ones((4, 6), np.float32)))
    Guides(rows=(0, 2.0, 4), columns=(0, 3.0, 6))
    """
    box = matte.threshold().box()
    if box is None:
        return Guides()
    return Guides(
        rows=(box.top, (box.top + box.bottom) / 2, box.bottom),
        columns=(box.left, (box.left + box.right) / 2, box.right),
    )
