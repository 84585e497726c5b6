"""Time decoding, cutting out and encoding alone: `campaign_worker.py FILE COUNT METHOD THREADS`.

The campaign's first COUNT photos that are done, with as many workers; each is decoded, cut out
and encoded once for every file that the campaign made of it: the deliverables at their size, and
a PSD and a TIFF where it was handed over. Prints how many there were, the seconds by the clock
and those of all processors, the model's loading not counted.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import numpy as np

from maskworks.apps.cli.memory import reuse_memory
from maskworks.core.reading import read_picture
from maskworks.core.values import Image
from maskworks.core.writing import Encoding, encode
from maskworks.models import load_model
from maskworks.refine.refinement import RefineOptions
from maskworks.studio.campaign_file import read_campaign
from maskworks.studio.filing import photo_of
from maskworks.studio.handing import HANDED_OVER
from maskworks.studio.handoff import Handover, encode_psd, encode_tiff
from maskworks.studio.line import run_line, share_cores, taking_turns
from maskworks.studio.pipeline import Item, cut
from maskworks.studio.store import database_beside, deliverables, list_campaigns, open_store


def main(campaign: Path, count: int, method: str, threads: int) -> None:
    """Time it."""
    file = read_campaign(campaign)
    sizes: dict[str, list[tuple[int, int]]] = {}
    handed: set[str] = set()
    with open_store(database_beside(file.path), create=False) as store:
        for one in deliverables(store, list_campaigns(store)[0], route=None):
            sizes.setdefault(one.source, []).append((one.output.height, one.output.width))
            if one.route in HANDED_OVER:
                handed.add(one.source)
    sources = sorted(sizes)[:count]
    crew = share_cores(threads, len(sources))
    model = taking_turns(load_model(file.campaign.input.model, threads=crew.threads))
    options = RefineOptions(method=method)  # type: ignore[arg-type] - one of its methods

    def work(source: str) -> None:
        picture = read_picture(photo_of(file, source).read_bytes())
        found = cut(Item(content="", picture=picture, variants=()), model, options).cutout
        assert found is not None  # noqa: S101 - `cut` makes one
        for size in sizes[source]:
            image = _sized(picture.image, size)
            encode(image, None, Encoding("jpg", quality=92), picture.details)
        if source in handed:
            handover = Handover(source, picture.image, found.matte, found.estimated)
            encode_tiff(handover)
            encode_psd(handover)

    reuse_memory()
    began, worked = time.perf_counter(), time.process_time()
    for _ in run_line(sources, work, workers=crew.workers, stop=threading.Event()):
        pass
    print(len(sources), time.perf_counter() - began, time.process_time() - worked)


def _sized(image: Image, size: tuple[int, int]) -> Image:
    """Cut a picture to a size, repeating it where it is too small: as hard to encode."""
    pixels = image.pixels
    height, width = (max(0, want - have) for want, have in zip(size, image.size, strict=True))
    if height or width:
        pixels = np.pad(pixels, ((0, height), (0, width), (0, 0)), mode="wrap")
    return Image(np.ascontiguousarray(pixels[: size[0], : size[1]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
