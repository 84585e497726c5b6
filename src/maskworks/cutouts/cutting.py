"""Cut the subject out of one picture, and judge the answer. Pure but for reading."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from maskworks.core.public import public
from maskworks.core.reading import Limits, Picture
from maskworks.core.sources import Source, to_picture
from maskworks.core.values import Image, Matte, Trimap
from maskworks.cutouts.backgrounds import blend
from maskworks.cutouts.cutout import KEPT, WHITE, Cutout
from maskworks.cutouts.judging import assessed, covered, judge
from maskworks.cutouts.own_alpha import is_cut_out
from maskworks.models.families.saliency import SMALLEST_SUBJECT, placement
from maskworks.refine.despill import despill
from maskworks.refine.refinement import DEFAULTS, RefineOptions, refine
from maskworks.refine.transparency import soft_interior

if TYPE_CHECKING:
    from maskworks.models import Model

_DARK = (64, 64, 64)
_BRIGHT = 170


def cut_out(picture: Picture, model: Model, *, min_confidence: float = 0.0) -> Cutout:
    """Find the subject of a picture and judge the answer.

    A picture that was cut out already (`is_cut_out`) keeps its alpha to the bit. An alpha of
    another kind, that of a photo on clear ground, is multiplied into the matte: what was clear
    stays clear.

    Parameters
    ----------
    min_confidence : float in [0, 1]
        A lower confidence gives the status "review".

    Raises
    ------
    NetworkError
        If the network's answer is not what its row promises.
    """
    seen = _network_input(picture)
    prediction = model.predict(seen)
    matte, presence = prediction.matte, prediction.presence
    if picture.matte is not None:
        if is_cut_out(picture.matte, matte):
            matte, presence = picture.matte, None  # whoever cut it out saw a subject
        else:
            matte = Matte(matte.alpha * picture.matte.alpha)
    status, confidence = judge(
        prediction.confidence, presence, covered(matte), min_confidence=min_confidence
    )
    if status == "ok" and not picture.details.colours_sure:
        status = "review"
    return Cutout(
        image=picture.image,
        matte=matte,
        confidence=confidence,
        status=status,
        details=picture.details,
        foreground=picture.image,
        presence=presence,
        seen_px=min(max(placement(seen.size, model.spec.input)[2:]), max(seen.size)),
        raw_confidence=None if status == "no-subject" else prediction.raw_confidence,
    )


def refine_edge(
    cutout: Cutout, picture: Picture, options: RefineOptions, *, trimap: Trimap | None = None
) -> Cutout:
    """Refine the edge of a cut-out at the picture's own resolution.

    A picture without a subject has no edge and stays as it is, and so does one that was cut out
    already unless a trimap is brought. Where the file had an alpha of its own, its colours are
    the subject's already, and are kept. What looks torn is for review, however sure the model
    is: an empty matte, or a torn inside (`Cutout.torn`).

    Parameters
    ----------
    picture : what `cutout` was made from
    options : RefineOptions
        Its ``trimap.network_px`` and ``fast.network_px`` are replaced by `cutout.seen_px`.
    trimap : Trimap, optional
        Brought by the user, of the upright picture's size.

    Raises
    ------
    ImageError
        If the trimap has another size or says too little.
    """
    if cutout.status == "no-subject":
        return cutout
    if cutout.matte is picture.matte and trimap is None:
        return _kept(cutout, options)
    drawn = replace(
        options,
        trimap=replace(options.trimap, network_px=cutout.seen_px),
        fast=replace(options.fast, network_px=cutout.seen_px),
    )
    done = refine(_network_input(picture), cutout.matte, drawn, trimap=trimap)
    matte, fore = done.matte, done.foreground
    if picture.matte is not None:
        own = picture.matte.alpha
        matte = Matte(np.minimum(matte.alpha, own))
        fore = Image(np.where(own[..., np.newaxis] < 1, picture.image.pixels, fore.pixels))
    found = replace(
        cutout,
        matte=matte,
        foreground=fore,
        refined=done.method,
        soft_interior=done.soft_interior,
        band_share=done.band_share,
    )
    empty = covered(matte) < SMALLEST_SUBJECT
    return replace(found, status="review") if empty or found.torn else found


@dataclass(frozen=True, kw_only=True, eq=False)
class CutOptions:
    """How a picture is cut out.

    Parameters
    ----------
    refinement : RefineOptions
        How the edge is refined.
    min_confidence : float in [0, 1]
        A lower confidence, or a lower score (`assessed`), gives the status "review".
    trimap : callable, optional
        Returns the user's trimap; asked for once a subject was found.
    """

    refinement: RefineOptions = DEFAULTS
    min_confidence: float = 0.0
    trimap: Callable[[], Trimap] | None = None


Step = Callable[[str], AbstractContextManager[object]]
"""What is entered around the steps "cut" and "edges": a clock, or a place in a queue."""

_CUT_DEFAULTS = CutOptions()


def cut_and_refine(
    picture: Picture,
    model: Model,
    options: CutOptions = _CUT_DEFAULTS,
    *,
    step: Step = nullcontext,
) -> Cutout:
    """Find the subject of a picture, refine its edge, and weigh the evidence against it.

    Raises
    ------
    ImageError
        If a trimap has another size or says too little.
    NetworkError
        If the network's answer is not what its row promises.
    """
    with step("cut"):
        found = cut_out(picture, model, min_confidence=options.min_confidence)
    if found.status == "no-subject":
        return found
    with step("edges"):
        trimap = None if options.trimap is None else options.trimap()
        done = refine_edge(found, picture, options.refinement, trimap=trimap)
        return assessed(done, min_score=options.min_confidence)


def _kept(cutout: Cutout, options: RefineOptions) -> Cutout:
    """Return a picture that was cut out already; the light of a set may be taken out of it."""
    fore = cutout.image
    if options.spill is not None:
        fore = despill(fore, cutout.matte, key=None if options.spill == "auto" else options.spill)
    soft = soft_interior(cutout.matte)
    return replace(cutout, foreground=fore, refined=KEPT, soft_interior=soft)


def _network_input(picture: Picture) -> Image:
    """Return what the network sees: clear parts hold arbitrary colours, so they become plain."""
    if picture.matte is None:
        return picture.image
    alpha = picture.matte.alpha
    grey = picture.image.pixels.mean(axis=2, dtype=np.float32)
    brightness = float((grey * alpha).sum() / max(float(alpha.sum()), 1.0))
    colour = np.array(_DARK if brightness > _BRIGHT else WHITE, np.uint8)
    plain = Image(np.broadcast_to(colour, picture.image.pixels.shape))
    return blend(picture.image, picture.matte, plain)


@public
def cutout(
    source: Source,
    model: Model | str = "cutout",
    *,
    min_confidence: float = 0.0,
    refinement: RefineOptions = DEFAULTS,
    max_pixels: int = Limits().max_pixels,
) -> Cutout:
    """Cut the subject out of one picture.

    Parameters
    ----------
    source : path, file content, uint8 array (H, W), (H, W, 3) or (H, W, 4), or Pillow image
        An array has red first (RGB), then alpha; give ``array[..., ::-1]`` of what OpenCV read.
    model : Model or its name
        A name is opened once and kept; `load_model` gives more choice.
    min_confidence : float in [0, 1]
        A lower confidence gives the status "review".
    refinement : RefineOptions
        How the edge is refined; ``RefineOptions(method="off")`` leaves the network's.
    max_pixels : int
        A larger picture is refused before it is decoded.

    Raises
    ------
    ImageError
        If the picture cannot be read or is too large.
    ModelError
        If the model is unknown, not on this machine, or fails.

    Examples
    --------
    >>> cutout("cat.jpg").save("cat.png")  # doctest: +SKIP
    """
    picture = to_picture(source, Limits(max_pixels))
    opened = _opened(model, os.getpid()) if isinstance(model, str) else model
    options = CutOptions(refinement=refinement, min_confidence=min_confidence)
    return cut_and_refine(picture, opened, options)


@lru_cache(maxsize=2)
def _opened(name: str, process: int) -> Model:  # noqa: ARG001 - a fork opens its own
    from maskworks.models import load_model

    return load_model(name)
