"""From a network's matte to an edge: regions, trimap, matting in the band, colours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from maskworks.core.errors import ImageError
from maskworks.core.values import BACKGROUND, FOREGROUND, Float2D, Image, Matte, Trimap
from maskworks.refine.closed_form import SolverOptions, closed_form
from maskworks.refine.despill import despill
from maskworks.refine.fitting import Copy, GuidedOptions, copied, fitted_side
from maskworks.refine.foreground import estimate_foreground
from maskworks.refine.guided import guided
from maskworks.refine.interior import keep_inside
from maskworks.refine.large_band import side_for, solve_smaller
from maskworks.refine.quick import certain, draw, mark, paint
from maskworks.refine.regions import RegionOptions, clean_regions
from maskworks.refine.spread import both, meanwhile
from maskworks.refine.transparency import soft_interior
from maskworks.refine.trimap import TrimapOptions, enlarged_levels, make_trimap

Method = Literal["off", "fast", "fine", "auto"]
"""How the edge is refined; "auto" is fast, and fine where a trimap is brought."""

Spill = tuple[int, int, int] | Literal["auto"] | None
"""The colour of a set whose reflection is taken out."""


@dataclass(frozen=True, kw_only=True)
class RefineOptions:
    """How an edge is refined.

    Parameters
    ----------
    method : Method
        "off" leaves matte and colours as they are. "auto" is "fast", which on a network's matte
        is as near to the truth as "fine" at half its time or less (docs/edges.md); with a trimap
        that was brought, whose band a network need not know, it is "fine".
    trust : float, >= 0
        The fine method also stays near the fast one's matte, by this much
        (`SolverOptions.prior_weight`): where subject and background have the same colours,
        colours alone lead astray.
    colours : bool
        Estimate what the subject's colours were before they mixed with the background.
    spill : None, "auto" or (r, g, b)
        The colour of the set whose reflection is taken out; "auto" finds it in the background.
    trimap, regions, fast, fine : options of each method
    """

    method: Method = "auto"
    trust: float = 1.0
    colours: bool = True
    spill: Spill = None
    trimap: TrimapOptions = field(default_factory=TrimapOptions)
    regions: RegionOptions = field(default_factory=RegionOptions)
    fast: GuidedOptions = field(default_factory=GuidedOptions)
    fine: SolverOptions = field(default_factory=SolverOptions)


@dataclass(frozen=True, eq=False)
class Refined:
    """A refined matte and the colours that go with it.

    `matte` and `foreground` are (H, W). `method` says what was really done: "off", "fast",
    "fine", "fine (solved at 1/2 of the size)" where the band is very large, "fast (fine did not
    converge)", or "none" where there was no edge. `band_share` is
    the unknown share of the picture and `soft_interior` the share of the subject that is
    neither edge nor opaque, both in [0, 1].
    """

    matte: Matte = field(repr=False)
    foreground: Image = field(repr=False)
    method: str
    band_share: float = 0.0
    soft_interior: float = 0.0
    trimap: Trimap | None = field(default=None, repr=False)


DEFAULTS = RefineOptions()


def refine(
    image: Image, matte: Matte, options: RefineOptions = DEFAULTS, *, trimap: Trimap | None = None
) -> Refined:
    """Refine the edge of a matte at the picture's own resolution.

    Parameters
    ----------
    image : Image of shape (H, W)
    matte : Matte of shape (H, W)
        A network's, enlarged to the picture's size.
    trimap : Trimap of shape (H, W), optional
        Brought by the user; replaces the one made from the matte, holes and islands included.

    Returns
    -------
    Refined
        An empty or full matte, and a trimap without an unknown pixel, have no edge to refine:
        the answer is what is sure.

    Raises
    ------
    ImageError
        If the sizes differ, or a brought trimap lacks sure foreground or background.
    """
    if image.size != matte.size or (trimap is not None and trimap.size != image.size):
        third = "" if trimap is None else f", a trimap of {_size(trimap.size)}"
        raise ImageError(
            f"picture and matte must have one size, got {_size(image.size)} and "
            f"{_size(matte.size)}{third}; resize one first"
        )
    if options.method == "off":
        return Refined(matte, image, "off", 0.0, soft_interior(matte))
    if trimap is not None and trimap.unknown.any():
        _check_says_enough(trimap)
    if options.method == "fast" or (options.method == "auto" and trimap is None):
        return _quickly(image, matte, options, trimap)
    if trimap is None:
        sure = clean_regions(matte, image, options.regions)
        trimap = make_trimap(sure, image, options.trimap)
        solved, done = _solve(image, sure, trimap, options)
        solved = keep_inside(solved, sure, trimap)
    else:
        solved, done = _solve(image, matte, trimap, options)
    fore = estimate_foreground(image, solved) if options.colours else image
    return _refined((solved, fore), trimap, done, options, soft_interior(solved))


def _quickly(image: Image, matte: Matte, options: RefineOptions, brought: Trimap | None) -> Refined:
    side = fitted_side(image.size, options.fast)
    with meanwhile(image.pixels.copy if options.colours else lambda: None) as canvas:
        if brought is None:
            copy = mark(image, matte, side, options.regions, options.trimap)
        else:
            copy = copied(image, matte, brought, side)
        if not copy.unsure.any():
            trimap, alpha = _enlarged(copy, brought)
            return Refined(Matte(alpha), image, "none", trimap=trimap)
        (trimap, alpha), drawn = both(
            lambda: _enlarged(copy, brought),
            lambda: draw(copy, options.fast, colours=options.colours),
        )
        pixels = canvas()
        paint(drawn, image, trimap, alpha, pixels)
    fore = image if pixels is None else Image(pixels)
    return _refined(
        (Matte(alpha), fore), trimap, "fast", options, soft_interior(Matte(drawn.alpha))
    )


def _enlarged(copy: Copy, brought: Trimap | None) -> tuple[Trimap, Float2D]:
    """Return the trimap and what is sure of alpha, at full size."""
    trimap = brought or Trimap(enlarged_levels(copy.levels, copy.side, copy.size))
    return trimap, certain(trimap)


def _refined(
    found: tuple[Matte, Image], trimap: Trimap, done: str, options: RefineOptions, soft: float
) -> Refined:
    matte, fore = found
    if options.spill is not None:
        fore = despill(fore, matte, key=None if options.spill == "auto" else options.spill)
    return Refined(matte, fore, done, trimap.unknown_share, soft, trimap)


def _check_says_enough(trimap: Trimap) -> None:
    for name, part, level in (
        ("foreground", trimap.foreground, FOREGROUND),
        ("background", trimap.background, BACKGROUND),
    ):
        if not part.any():
            raise ImageError(
                f"the trimap has no sure {name}; mark some of it ({level}), or leave the trimap out"
            )


def _solve(image: Image, sure: Matte, trimap: Trimap, options: RefineOptions) -> tuple[Matte, str]:
    unknowns = trimap.unknown_count
    if unknowns == 0:
        return Matte(certain(trimap)), "none"
    quick = guided(image, sure, trimap, options.fast)
    near = replace(options.fine, prior=quick, prior_weight=options.trust)
    side = side_for(unknowns)
    if side == 1:
        solution = closed_form(image, trimap, near)
    else:
        solution = solve_smaller(image, trimap, near, side, options.fast)
    if solution.converged:
        return solution.matte, "fine" if side == 1 else f"fine (solved at 1/{side} of the size)"
    return quick, "fast (fine did not converge)"


def _size(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
