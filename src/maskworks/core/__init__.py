"""Values, picture input and output, colour, and the error tree; numpy and Pillow only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.core.colour import parse_colour as parse_colour
    from maskworks.core.errors import ChecksumError as ChecksumError
    from maskworks.core.errors import ClusterError as ClusterError
    from maskworks.core.errors import DownloadError as DownloadError
    from maskworks.core.errors import EvaluationError as EvaluationError
    from maskworks.core.errors import ImageError as ImageError
    from maskworks.core.errors import LicenceError as LicenceError
    from maskworks.core.errors import MaskworksError as MaskworksError
    from maskworks.core.errors import ModelError as ModelError
    from maskworks.core.errors import NetworkError as NetworkError
    from maskworks.core.errors import OutputError as OutputError
    from maskworks.core.errors import ProviderError as ProviderError
    from maskworks.core.errors import RecipeError as RecipeError
    from maskworks.core.errors import TooLargeError as TooLargeError
    from maskworks.core.errors import TooSlowError as TooSlowError
    from maskworks.core.errors import UnknownModelError as UnknownModelError
    from maskworks.core.errors import UnreadableError as UnreadableError
    from maskworks.core.errors import UsageError as UsageError
    from maskworks.core.formats import SUFFIXES as SUFFIXES
    from maskworks.core.instances import Instances as Instances
    from maskworks.core.label_map import LabelMap as LabelMap
    from maskworks.core.panoptic import Panoptic as Panoptic
    from maskworks.core.panoptic import Segment as Segment
    from maskworks.core.reading import Details as Details
    from maskworks.core.reading import Limits as Limits
    from maskworks.core.reading import Picture as Picture
    from maskworks.core.reading import read_picture as read_picture
    from maskworks.core.rle import Rle as Rle
    from maskworks.core.rle import encode_mask as encode_mask
    from maskworks.core.taxonomy import Category as Category
    from maskworks.core.taxonomy import Taxonomy as Taxonomy
    from maskworks.core.taxonomy import load_taxonomy as load_taxonomy
    from maskworks.core.taxonomy import plain_taxonomy as plain_taxonomy
    from maskworks.core.taxonomy import taxonomy_names as taxonomy_names
    from maskworks.core.taxonomy_mapping import Mapping as Mapping
    from maskworks.core.taxonomy_mapping import load_mapping as load_mapping
    from maskworks.core.values import Box as Box
    from maskworks.core.values import Image as Image
    from maskworks.core.values import Mask as Mask
    from maskworks.core.values import Matte as Matte
    from maskworks.core.values import Trimap as Trimap
    from maskworks.core.writing import Encoding as Encoding
    from maskworks.core.writing import encode as encode
    from maskworks.core.writing import encode_matte as encode_matte
    from maskworks.core.writing import write_atomic as write_atomic
    from maskworks.core.writing import write_text_atomic as write_text_atomic

__getattr__, __dir__, __all__ = lazy_names(__name__)
