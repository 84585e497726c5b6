# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from typing import Literal

from maskworks.client.answers import (CocoDocumentAnswer, ModelsAnswer, OpinionAnswer, SegmentsAnswer)
from maskworks.client.call import Call, FileAnswer, Upload


def cutout(
    image: Upload | None = None,
    *,
    image_url: str | None = None,
    model: str | None = None,
    edges: Literal["auto", "fine", "fast", "off"] | None = None,
    format: Literal["png", "webp", "jpg", "jpeg", "tiff"] | None = None,
    background: str | None = None,
    only: Literal["picture", "matte"] | None = None,
) -> Call[FileAnswer]:
    """Cut the subject out of a picture: `POST /v1/cutout`.

    Parameters
    ----------
    image
        A picture.
    image_url
        Address of a picture, if that is allowed.
    model
        A model of GET /v1/models; by default as the service was started.
    edges
        How the edge is refined; by default as the service was started. By default "auto".
    format
        Of the picture in the answer; jpeg is jpg. By default "png".
    background
        none, blur, or a colour.
    only
        matte is the alpha alone, in grey. By default "picture".
    """
    return Call("POST", "/v1/cutout", "file", form={"image_url": image_url, "model": model, "edges": edges, "format": format, "background": background, "only": only}, files={"image": image})


def cutout_json(
    image: Upload | None = None,
    *,
    image_url: str | None = None,
    model: str | None = None,
    edges: Literal["auto", "fine", "fast", "off"] | None = None,
    format: Literal["png", "webp", "jpg", "jpeg", "tiff"] | None = None,
    background: str | None = None,
    only: Literal["picture", "matte"] | None = None,
) -> Call[OpinionAnswer]:
    """As `cutout`, answered as JSON."""
    return Call("POST", "/v1/cutout", "json", form={"image_url": image_url, "model": model, "edges": edges, "format": format, "background": background, "only": only}, files={"image": image})


def segment(
    image: Upload | None = None,
    *,
    image_url: str | None = None,
    model: str | None = None,
    format: Literal["rle", "coco", "png"] | None = None,
) -> Call[FileAnswer]:
    """Find what a picture shows: `POST /v1/segment`.

    Parameters
    ----------
    image
        A picture.
    image_url
        Address of a picture, if that is allowed.
    model
        A model of GET /v1/models; by default as the service was started.
    format
        Of the answer. By default "rle".
    """
    return Call("POST", "/v1/segment", "file", form={"image_url": image_url, "model": model, "format": format}, files={"image": image})


def segment_json(
    image: Upload | None = None,
    *,
    image_url: str | None = None,
    model: str | None = None,
    format: Literal["rle", "coco", "png"] | None = None,
) -> Call[SegmentsAnswer | CocoDocumentAnswer]:
    """As `segment`, answered as JSON."""
    return Call("POST", "/v1/segment", "json", form={"image_url": image_url, "model": model, "format": format}, files={"image": image})


def matte(
    image: Upload | None = None,
    trimap: Upload | None = None,
    *,
    image_url: str | None = None,
    model: str | None = None,
    edges: Literal["auto", "fine", "fast", "off"] | None = None,
) -> Call[FileAnswer]:
    """The matte of a picture, from a trimap or from a model: `POST /v1/matte`.

    Parameters
    ----------
    image
        A picture.
    trimap
        Grey: black is background, white the subject.
    image_url
        Address of a picture, if that is allowed.
    model
        A model of GET /v1/models; by default as the service was started.
    edges
        How the edge is refined; by default as the service was started. By default "auto".
    """
    return Call("POST", "/v1/matte", "file", form={"image_url": image_url, "model": model, "edges": edges}, files={"image": image, "trimap": trimap})


def list_models() -> Call[ModelsAnswer]:
    """The models there are: `GET /v1/models`."""
    return Call("GET", "/v1/models", "json")
