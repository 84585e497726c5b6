"""Pictures in, one row each: inputs, output paths, planning, resuming, workers, manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.batch.inputs import InputPicture as InputPicture
    from maskworks.batch.inputs import InputPictures as InputPictures
    from maskworks.batch.inputs import find_pictures as find_pictures
    from maskworks.batch.manifest import ManifestWriter as ManifestWriter
    from maskworks.batch.manifest import read_manifest as read_manifest
    from maskworks.batch.output_paths import plan_file as plan_file
    from maskworks.batch.output_paths import plan_folder as plan_folder
    from maskworks.batch.work import ExistsError as ExistsError
    from maskworks.batch.work import ManifestRow as ManifestRow
    from maskworks.batch.work import Work as Work

__getattr__, __dir__, __all__ = lazy_names(__name__)
