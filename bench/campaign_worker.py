"""Time decoding, cutting out and encoding alone: `campaign_worker.py FILE COUNT METHOD THREADS`.

The campaign's first COUNT photos that are done, with as many workers; each is decoded, cut out
and encoded once for every file that the campaign made of it: the deliverables, opened before, and
a PSD and a TIFF where it was handed over. Prints how many there were, the seconds by the clock
and those of all processors; loading the model and the first few photos are not counted.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from maskworks.batch.memory import reuse_memory
from maskworks.batch.workers import run_line, share_cores, taking_turns
from maskworks.core.reading import read_picture
from maskworks.core.values import Image
from maskworks.core.writing import Encoding, encode
from maskworks.models import load_model
from maskworks.refine.refinement import RefineOptions
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.handoff import Handover, encode_psd, encode_tiff
from maskworks.studio.handoff.folder import HANDED_OVER
from maskworks.studio.output_folder import FOLDERS, out_folder
from maskworks.studio.pipeline import Item, cut
from maskworks.studio.run.filing import photo_of
from maskworks.studio.store import database_beside, deliverables, list_campaigns, open_store

WARM_UP = 4
"""So many photos go first: later ones find memory and caches as a campaign does."""


def main(campaign: Path, count: int, method: str, threads: int) -> None:
    """Time it."""
    file = read_campaign(campaign)
    out = out_folder(file.path, file.campaign.campaign.name)
    made: dict[str, list[Image]] = {}
    handed: set[str] = set()
    with open_store(database_beside(file.path), create=False) as store:
        for one in deliverables(store, list_campaigns(store)[0], route=None):
            if one.source not in made and len(made) == count:
                continue
            path = out / FOLDERS[one.route] / one.output.path
            made.setdefault(one.source, []).append(read_picture(path).image)
            if one.route in HANDED_OVER:
                handed.add(one.source)
    sources = sorted(made)
    cores = share_cores(threads, len(sources))
    model = taking_turns(load_model(file.campaign.input.model, threads=cores.threads))
    options = RefineOptions(method=method)  # type: ignore[arg-type] - one of its methods

    def work(source: str) -> None:
        picture = read_picture(photo_of(file, source).read_bytes())
        found = cut(Item(content="", picture=picture, variants=()), model, options).cutout
        assert found is not None  # noqa: S101 - `cut` makes one
        for image in made[source]:
            encode(image, None, Encoding("jpg", quality=92), picture.details)
        if source in handed:
            handover = Handover(source, picture.image, found.matte, found.estimated)
            encode_tiff(handover)
            encode_psd(handover)

    def work_on(photos: list[str]) -> None:
        for _ in run_line(photos, work, workers=cores.workers, stop=threading.Event()):
            pass

    reuse_memory()
    work_on(sources[:WARM_UP])
    began, worked = time.perf_counter(), time.process_time()
    work_on(sources)
    print(len(sources), time.perf_counter() - began, time.process_time() - worked)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
