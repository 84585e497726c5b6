# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from collections.abc import Sequence

from maskworks.client.answers import (SuitabilityJobAnswer, SuitabilityJobsAnswer, SuitabilityResultsAnswer)
from maskworks.client.call import Call, EventAnswer, FileAnswer, Upload


def list_clip_jobs() -> Call[SuitabilityJobsAnswer]:
    """The jobs there are: `GET /v1/suitability`."""
    return Call("GET", "/v1/suitability", "json")


def assess_clips(
    files: Sequence[Upload],
    *,
    name: str | None = None,
    purpose: str | None = None,
    source: str | None = None,
    language: str | None = None,
    every_s: float | None = None,
    ocr: bool | None = None,
    blur_faces: bool | None = None,
    webhook: str | None = None,
) -> Call[SuitabilityJobAnswer]:
    """Collect evidence of sensitive topics in clips and pictures: `POST /v1/suitability`.

    Parameters
    ----------
    files
        Clips and pictures; subtitles called as their clip (clip.srt or clip.en.srt for
        clip.mp4); one policy as TOML.
    name
        What it is called.
    purpose
        What it is for, which changes risk: news, opinion, entertainment.
    source
        Where it comes from: professional, user-generated, aggregated.
    language
        Of the text; by default told line by line.
    every_s
        Seconds from one frame that is looked at to the next. By default 2.0.
    ocr
        Read the text that is in the picture. By default true.
    blur_faces
        Make faces in the frames that are kept unrecognisable. By default false.
    webhook
        Told when it is done.
    """
    return Call("POST", "/v1/suitability", "json", form={"name": name, "purpose": purpose, "source": source, "language": language, "every_s": every_s, "ocr": ocr, "blur_faces": blur_faces, "webhook": webhook}, files={"files": files})


def get_clip_job(
    job: str,
) -> Call[SuitabilityJobAnswer]:
    """How far a job is: `GET /v1/suitability/{job}`.

    Parameters
    ----------
    job
    """
    return Call("GET", "/v1/suitability/{job}", "json", places={"job": job})


def get_evidence(
    job: str,
) -> Call[SuitabilityResultsAnswer]:
    """What was found: `GET /v1/suitability/{job}/results`.

    Parameters
    ----------
    job
    """
    return Call("GET", "/v1/suitability/{job}/results", "json", places={"job": job})


def evidence_file(
    job: str,
    path: str,
) -> Call[FileAnswer]:
    """A file of evidence: `GET /v1/suitability/{job}/outputs/{path}`.

    Parameters
    ----------
    job
    path
    """
    return Call("GET", "/v1/suitability/{job}/outputs/{path}", "file", places={"job": job, "path": path})


def follow_clip_job(
    job: str,
) -> Call[EventAnswer]:
    """Progress as it happens (server-sent events): `GET /v1/suitability/{job}/events`.

    Parameters
    ----------
    job
    """
    return Call("GET", "/v1/suitability/{job}/events", "events", places={"job": job})
