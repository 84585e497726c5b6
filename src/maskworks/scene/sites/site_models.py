"""What photos of sites are measured with, opened once: network, counter, reader, brands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskworks.core.errors import UsageError
from maskworks.core.taxonomy import load_taxonomy
from maskworks.core.taxonomy_mapping import load_mapping
from maskworks.models.catalogue import load_catalogue
from maskworks.models.labelling import Segmenter
from maskworks.models.opening import Opening
from maskworks.models.segmenters import load_segmenter
from maskworks.scene.signals.on_screen import ScreenReader
from maskworks.scene.signals.spoken import NEEDS_EXTRA, fuzzy_is_here
from maskworks.scene.sites.brands import Brands
from maskworks.scene.sites.counting import Counter, open_counter

SCENE = "scene-17"
"""The taxonomy that every network's classes are brought to."""


@dataclass(frozen=True, kw_only=True)
class SiteModels:
    """What photos are looked at with, opened once.

    `reader` is None where text is not read, `why_not_read` says why then.
    """

    network: Segmenter
    table: NDArray[np.uint16]
    knows: frozenset[str]
    counter: Counter
    reader: ScreenReader | None
    why_not_read: str
    brands: Brands


def open_site_models(
    model: str | None, objects: str | None, brands: Brands, *, ocr: bool, threads: int
) -> SiteModels:
    """Open networks and reader.

    Parameters
    ----------
    model : str, optional
        A network of street scenes; by default `scene` if the package has it, else `street`.
    objects : str, optional
        A model of objects to count with; by default `objects` if the package has it, else regions
        of `model`.

    Raises
    ------
    UsageError
        If the network's classes are none of streets.
    ModelError
        If a model is unknown or not here.
    """
    name = model or ("scene" if "scene" in _own_models() else "street")
    network = load_segmenter(name, Opening(threads=threads))
    table, knows = _table_of(network)
    reader, why = None, "turned off (--no-ocr)"
    if ocr:
        reader, why = _open_reader(threads)
    return SiteModels(
        network=network,
        table=table,
        knows=knows,
        counter=open_counter(objects or own_objects(), network.name, threads),
        reader=reader,
        why_not_read=why,
        brands=brands,
    )


def own_objects() -> str | None:
    """Return the model of objects that comes with the package, None if none does."""
    return "objects" if "objects" in _own_models() else None


def _own_models() -> set[str]:
    return {row.name for row in load_catalogue().models if row.embedded}


def _open_reader(threads: int) -> tuple[ScreenReader | None, str]:
    try:
        import rapidocr
    except ImportError:
        return None, NEEDS_EXTRA
    if not fuzzy_is_here():
        return None, NEEDS_EXTRA
    if not list((Path(rapidocr.__file__).parent / "models").glob("*.onnx")):
        return None, "rapidocr is installed without its models"
    return ScreenReader(threads), ""


def _table_of(network: Segmenter) -> tuple[NDArray[np.uint16], frozenset[str]]:
    """Return which class of scene-17 each id of a network becomes, and which it can give."""
    known = {each.name for each in load_taxonomy(SCENE).categories}
    if network.taxonomy.name == SCENE:
        return np.arange(65536, dtype=np.uint16), frozenset(known)
    try:
        mapping = load_mapping(network.taxonomy.name, SCENE)
    except UsageError as error:
        raise UsageError(
            f"--model {network.name} tells the classes of {network.taxonomy.name}, which are not "
            f"of streets; name one of {SCENE}, cityscapes-19 or camvid-11, such as street"
        ) from error
    return mapping.table(), frozenset(
        mapping.target.category(after).name for after in mapping.ids.values()
    )
