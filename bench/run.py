"""Measure Maskworks against rembg in one run, and write bench/baseline.md.

    make bench                                    everything, an hour
    make bench BENCH="--sections start,network"   parts of it
    make bench BENCH=--quick                      everything, small: does it work?

Same pictures, same number of threads, competitors in turn, medians. Only a
whole, unshortened run with the comparison in it replaces the baseline.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from peer import FailedRunError, MissingError, prepare_peer
from photos import SIZES
from report import write_report
from sections import SECTIONS, Row, Settings

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT.parent / "shared/weights/u2netp_bnfolded.safetensors"
QUICK_SIZES = {"1mp": (800, 1200), "2mp": SIZES["2mp"]}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which, with commas")
    parser.add_argument("--threads", type=int, default=2, help="of every competitor")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each whole program")
    parser.add_argument("--photos", type=int, default=4, help="of each size")
    parser.add_argument("--pictures", type=int, default=500, help="for the section of many")
    parser.add_argument("--portraits", type=int, default=3, help="for the edges section")
    parser.add_argument("--campaign", type=int, default=500, help="for the campaign section")
    parser.add_argument("--quick", action="store_true", help="small sizes, one turn, no baseline")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="published U2-NetP weights")
    parser.add_argument("--u2net", type=Path, help="the full U2-Net as ONNX, to compare with too")
    parser.add_argument("--without-rembg", action="store_true", help="measure ourselves only")
    options = parser.parse_args(arguments)
    unknown = set(options.sections.split(",")) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return options


def main(arguments: list[str]) -> int:
    """Measure; return 0 if every section could be measured, 1 otherwise."""
    options = parse(arguments)
    out = ROOT / "bench/out"
    out.mkdir(parents=True, exist_ok=True)
    quick = options.quick
    settings = Settings(
        out=out,
        threads=options.threads,
        repeats=1 if quick else options.repeats,
        photos=2 if quick else options.photos,
        sizes=QUICK_SIZES if quick else SIZES,
        network_runs=5 if quick else 30,
        many_pictures=20 if quick else options.pictures,
        portraits=1 if quick else options.portraits,
        campaign_pictures=20 if quick else options.campaign,
        clip_frames=20 if quick else 250,
    )
    peer = None
    if not options.without_rembg:
        try:
            peer = prepare_peer(options.weights, out / "u2net-home", options.u2net)
        except MissingError as error:
            print(f"without rembg: {error}\n", flush=True)
    names, failed = options.sections.split(","), []
    results: dict[str, list[Row]] = {}
    for name in names:
        title, measure = SECTIONS[name]
        print(title, flush=True)
        try:
            results[name] = measure(settings, peer)
        except FailedRunError as error:
            failed.append(name)
            print(f"  not measured: {error}", flush=True)
            continue
        rows = [asdict(row) | {"verdict": row.verdict} for row in results[name]]
        (out / f"{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
        for row in results[name]:
            print(f"  {row.what}: {row.value:.3g} {row.unit} {row.verdict}", flush=True)
    whole = bool(peer) and not quick and set(results) == set(SECTIONS)
    report = ROOT / "bench/baseline.md" if whole else out / "report.md"
    write_report(report, results, settings)
    print(f"written to {report.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
