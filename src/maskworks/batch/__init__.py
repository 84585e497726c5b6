"""Pictures in, one row each: inputs, output paths, planning, resuming, workers, manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskworks.core.lazy import lazy_names

if TYPE_CHECKING:
    from maskworks.batch.inputs import InputPicture, InputPictures, find_pictures
    from maskworks.batch.manifest import ManifestWriter, read_manifest
    from maskworks.batch.output_paths import plan_file, plan_folder
    from maskworks.batch.work import ExistsError, ManifestRow, Work

__all__ = [
    "ExistsError",
    "InputPicture",
    "InputPictures",
    "ManifestRow",
    "ManifestWriter",
    "Work",
    "find_pictures",
    "plan_file",
    "plan_folder",
    "read_manifest",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "inputs": ["InputPicture", "InputPictures", "find_pictures"],
        "manifest": ["ManifestWriter", "read_manifest"],
        "output_paths": ["plan_file", "plan_folder"],
        "work": ["ExistsError", "ManifestRow", "Work"],
    },
)
