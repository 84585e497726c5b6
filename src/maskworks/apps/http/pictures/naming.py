"""The subject's type, in remove.bg's terms, by a model of classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from maskworks.models.labelling import label_picture

if TYPE_CHECKING:
    from maskworks.core.values import Image, Matte
    from maskworks.models.labelling import Segmenter

OTHER = "other"

KINDS: Mapping[str, str] = {
    "person": "person people human pedestrian man woman boy girl child rider bicyclist face",
    "car": "car automobile auto suv sedan",
    "transportation": "bicycle bike motorcycle motorbike aeroplane airplane plane bus train truck "
    "lorry van boat ship trailer caravan tram scooter helicopter",
    "animal": "animal bird cat dog horse sheep cow elephant bear zebra giraffe pig goat fish "
    "rabbit insect",
    "product": "bottle cup bowl plate vase fork knife spoon chair sofa couch armchair bed table "
    "lamp stool cabinet desk shelf backpack handbag bag suitcase umbrella tie shoe hat dress "
    "shirt book clock laptop keyboard mouse remote phone television tv microwave oven toaster "
    "refrigerator toothbrush scissors toy ball racket skateboard surfboard snowboard skis kite",
}
"""The classes of public data sets that are one of remove.bg's kinds, by their last word."""

_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words.split()}
_MOST = 0.5


def kind_of(name: str) -> str:
    """Return the kind of a class, "other" if it is none that is known.

    Examples
    --------
    >>> [kind_of(name) for name in ("Dog", "cell phone", "bus, coach", "sky")]
    ['animal', 'product', 'transportation', 'other']
    """
    words = re.findall(r"[a-z]+", re.split(r"[,;/]", name.lower())[0])
    return _KIND_OF.get(words[-1], OTHER) if words else OTHER


def named(image: Image, matte: Matte, segmenter: Segmenter) -> str:
    """Return the kind that most of a subject is, "other" if no kind is at least half of it.

    Parameters
    ----------
    image, matte : of shape (H, W)

    Raises
    ------
    ModelError
        If the model fails.
    """
    labels = label_picture(image, segmenter, "semantic").labels
    covered = dict.fromkeys([*KINDS, OTHER], 0.0)
    for category in labels.taxonomy.categories:
        covered[kind_of(category.name)] += float(matte.alpha[labels.ids == category.id].sum())
    kind = max(KINDS, key=lambda each: covered[each])
    half = _MOST * float(matte.alpha.sum())
    return kind if covered[kind] >= half > 0 else OTHER
