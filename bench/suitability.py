"""Count false findings of `maskworks suitability` on harmless photos.

python bench/suitability.py FOLDER... [--count 500] [--ocr]: takes so many pictures of the folders,
the same each time, lets the picture signals look (with --ocr the reader and the terms too) and
prints every finding and hint, the highest scores and the time on one thread.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from maskworks.core.reading import read_picture
from maskworks.scene.policy import read_policy
from maskworks.scene.running import find_media
from maskworks.scene.signals.adult import AdultPictures, open_adult
from maskworks.scene.signals.codes import open_codes
from maskworks.scene.signals.on_screen import open_on_screen
from maskworks.scene.signals.protocol import SampledFrame, SignalChoices


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--ocr", action="store_true")
    asked = parser.parse_args()
    paths = [Path(each) for each, _ in find_media([str(f) for f in asked.folders], Path("none"))]
    paths = [path for path in paths if path.suffix.lower() != ".png"]  # labels, beside the photos
    chosen = random.Random(21).sample(paths, min(asked.count, len(paths)))
    least = read_policy().least_confidence
    choices = SignalChoices(threads=1)
    adult = open_adult(choices)
    reader = open_on_screen(choices) if asked.ocr else None
    scores, findings, hints, spent = [], Counter(), Counter(), Counter()
    for at, path in enumerate(chosen):
        pixels = read_picture(path).image.pixels
        frame = SampledFrame(0, None, 0, 0, pixels)
        if isinstance(adult, AdultPictures) and not asked.ocr:
            began = time.process_time()
            scores.append((adult.score(pixels), str(path)))
            spent["score"] += time.process_time() - began
        signals = [reader] if reader else [adult, open_codes(choices)]
        for signal in signals:
            began = time.process_time()
            seen = [*signal.examine(frame), *signal.finish()]
            spent[signal.info.name] += time.process_time() - began
            for each in seen:
                weak = each.hint or each.confidence < least
                (hints if weak else findings)[each.topic] += 1
                kind = "hint" if weak else "FINDING"
                print(
                    f"{kind} {each.topic} {each.confidence:.3f} {each.label!r} {path}", flush=True
                )
        if at % 50 == 49:
            print(f"{at + 1} looked at", flush=True)
    print(f"{len(chosen)} pictures; findings {dict(findings)}, hints {dict(hints)}")
    for score, path in sorted(scores, reverse=True)[:8]:
        print(f"{score:.4f} {path}")
    for name, seconds in spent.items():
        print(f"{name}: {1000 * seconds / len(chosen):.0f} ms a picture, one thread")


if __name__ == "__main__":
    main()
