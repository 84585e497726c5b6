"""What Maskworks wrote of a folder, as a FiftyOne dataset: rows, confidences, masks.

    pip install fiftyone
    python maskworks_dataset.py cutouts/manifest.jsonl --name spring

It needs the manifest and the files it names, and neither Maskworks nor its models. Works with
the manifests of `maskworks cutout` (PNG, WebP or TIFF with alpha, or `--mask-only`) and of
`maskworks segment`, whose classes come from classes.json beside it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CLASSES = "classes.json"
SUBJECT = {1: "subject"}


def rows_of(manifest: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a manifest, each input once: the last that was said of it.

    Raises
    ------
    ValueError
        If a line is no row of a manifest.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            found[row["source"]] = {"output": None, **row, "status": row["status"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{manifest}, line {number}: is no row of a manifest") from error
    yield from found.values()


def classes_of(manifest: Path) -> dict[int, str] | None:
    """Return the classes of a run that labelled, by their ids; None of one that cut out."""
    path = manifest.parent / CLASSES
    if not path.is_file():
        return None
    told = json.loads(path.read_text(encoding="utf-8"))
    return {each["id"]: each["name"] for each in told["classes"]}


def mask_of(output: Path) -> np.ndarray:
    """Return where the subject is: uint8 (H, W), 1 where its alpha is at least one half.

    The alpha of a cut-out, or a matte that was written alone.

    Raises
    ------
    ValueError
        If the file has neither, such as a cut-out on a background.
    """
    with Image.open(output) as picture:
        if "A" in picture.getbands():
            alpha = picture.getchannel("A")
        elif picture.mode in ("L", "I;16"):
            alpha = picture
        else:
            raise ValueError(
                f"{output}: has no alpha and is no matte; cut out without --background, or with "
                "--mask-only"
            )
        values = np.asarray(alpha)
    half = 128 if values.dtype == np.uint8 else 32_768
    return (values >= half).astype(np.uint8)


def ids_of(output: Path) -> np.ndarray:
    """Return the class ids of a label map, ints (H, W); FiftyOne would read its palette's colours.

    Raises
    ------
    ValueError
        If the file is no label map.
    """
    with Image.open(output) as picture:
        ids = np.asarray(picture)
    if ids.ndim != 2:
        raise ValueError(f"{output}: is no label map, which has one id a pixel")
    return ids


def samples_of(manifest: Path) -> list[Any]:
    """Return a fiftyone.Sample for each input, also where it failed; needs no database.

    It has `status` (a classification, whose confidence is the score), `confidence` (the expected
    IoU), `reasons`, `error`, `model`, and `mask` where a file was written.
    """
    import fiftyone

    classes = classes_of(manifest)
    samples: list[Any] = []
    for row in rows_of(manifest):
        sample = fiftyone.Sample(filepath=row["source"], tags=[row["status"]])
        sample["status"] = fiftyone.Classification(label=row["status"], confidence=row.get("score"))
        sample["model"] = row.get("model")
        sample["confidence"] = row.get("confidence")
        sample["reasons"] = list(row.get("reasons", ()))
        sample["error"] = (row.get("error") or {}).get("message")
        if row["output"] is not None and classes is not None:
            sample["mask"] = fiftyone.Segmentation(mask=ids_of(Path(row["output"])))
        elif row["output"] is not None:
            sample["mask"] = fiftyone.Segmentation(mask=mask_of(Path(row["output"])))
        samples.append(sample)
    return samples


def build(manifest: Path, name: str | None = None) -> Any:  # noqa: ANN401 - fiftyone.Dataset
    """Return the dataset of a manifest; see the doubtful by ``sort_by("confidence")``."""
    import fiftyone

    dataset = fiftyone.Dataset(name, overwrite=name is not None)
    dataset.mask_targets = {"mask": classes_of(manifest) or SUBJECT}
    dataset.add_samples(samples_of(manifest))
    return dataset


def main(arguments: list[str] | None = None) -> int:
    """Build the dataset and open it in FiftyOne's app, or keep it."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("manifest", type=Path, help="manifest.jsonl of a run")
    parser.add_argument("--name", help="keep the dataset under this name; one of it is replaced")
    parser.add_argument("--no-app", action="store_true", help="build it, and open nothing")
    given = parser.parse_args(arguments)
    try:
        dataset = build(given.manifest, given.name)
    except ModuleNotFoundError:
        print("fiftyone is not installed; `pip install fiftyone`", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    dataset.persistent = given.name is not None
    print(f"{len(dataset)} samples")
    if not given.no_app:
        import fiftyone

        fiftyone.launch_app(dataset).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
