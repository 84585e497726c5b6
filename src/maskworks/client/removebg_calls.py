# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations

from typing import Literal

from maskworks.client.answers import (AccountAnswer, ImprovedAnswer, RemoveBgResultAnswer)
from maskworks.client.call import Call, FileAnswer, Upload


def removebg(
    image_file: Upload | None = None,
    bg_image_file: Upload | None = None,
    *,
    image_file_b64: str | None = None,
    image_url: str | None = None,
    size: Literal["preview", "small", "regular", "medium", "hd", "full", "4k", "50mp", "auto"] | None = None,
    type: Literal["auto", "person", "people", "product", "car", "animal", "graphic", "graphics", "transportation", "other"] | None = None,
    type_level: Literal["none", "1", "2", "latest"] | None = None,
    format: Literal["auto", "png", "jpg", "jpeg", "webp", "zip"] | None = None,
    roi: str | None = None,
    crop: bool | None = None,
    crop_margin: str | None = None,
    scale: str | None = None,
    position: str | None = None,
    channels: Literal["rgba", "alpha"] | None = None,
    add_shadow: bool | None = None,
    shadow_type: Literal["none", "auto", "drop", "soft", "3d", "car", "contact"] | None = None,
    shadow_opacity: float | None = None,
    semitransparency: bool | None = None,
    bg_color: str | None = None,
    bg_image_url: str | None = None,
) -> Call[FileAnswer]:
    """Remove the background of an image: `POST /v1.0/removebg`.

    Parameters
    ----------
    image_file
        A picture.
    bg_image_file
        A picture.
    image_file_b64
        The picture in base64.
    image_url
        Address of a picture, if that is allowed.
    size
        Most megapixels of the answer. By default "preview".
    type
        What is in front; taken note of. By default "auto".
    type_level
        none leaves X-Type out. By default "1".
    format
        auto is PNG if something is clear, else JPEG. By default "auto".
    roi
        x1 y1 x2 y2 in px or %: all else is background.
    crop
        Crop to the subject. By default false.
    crop_margin
        One, two or four lengths in px or %.
    scale
        original, or 10% to 100% of the frame.
    position
        original, center, or one or two of 0% to 100%.
    channels
        alpha is the matte alone. By default "rgba".
    add_shadow
        A soft shadow. By default false.
    shadow_type
        Which shadow. By default "none".
    shadow_opacity
        By default 100.
    semitransparency
        Keep what is see-through inside the subject. By default true.
    bg_color
        A name, or 3, 4, 6 or 8 hex digits.
    bg_image_url
        Address of a picture, if that is allowed.
    """
    return Call("POST", "/v1.0/removebg", "file", form={"image_file_b64": image_file_b64, "image_url": image_url, "size": size, "type": type, "type_level": type_level, "format": format, "roi": roi, "crop": crop, "crop_margin": crop_margin, "scale": scale, "position": position, "channels": channels, "add_shadow": add_shadow, "shadow_type": shadow_type, "shadow_opacity": shadow_opacity, "semitransparency": semitransparency, "bg_color": bg_color, "bg_image_url": bg_image_url}, files={"image_file": image_file, "bg_image_file": bg_image_file})


def removebg_json(
    image_file: Upload | None = None,
    bg_image_file: Upload | None = None,
    *,
    image_file_b64: str | None = None,
    image_url: str | None = None,
    size: Literal["preview", "small", "regular", "medium", "hd", "full", "4k", "50mp", "auto"] | None = None,
    type: Literal["auto", "person", "people", "product", "car", "animal", "graphic", "graphics", "transportation", "other"] | None = None,
    type_level: Literal["none", "1", "2", "latest"] | None = None,
    format: Literal["auto", "png", "jpg", "jpeg", "webp", "zip"] | None = None,
    roi: str | None = None,
    crop: bool | None = None,
    crop_margin: str | None = None,
    scale: str | None = None,
    position: str | None = None,
    channels: Literal["rgba", "alpha"] | None = None,
    add_shadow: bool | None = None,
    shadow_type: Literal["none", "auto", "drop", "soft", "3d", "car", "contact"] | None = None,
    shadow_opacity: float | None = None,
    semitransparency: bool | None = None,
    bg_color: str | None = None,
    bg_image_url: str | None = None,
) -> Call[RemoveBgResultAnswer]:
    """As `removebg`, answered as JSON."""
    return Call("POST", "/v1.0/removebg", "json", form={"image_file_b64": image_file_b64, "image_url": image_url, "size": size, "type": type, "type_level": type_level, "format": format, "roi": roi, "crop": crop, "crop_margin": crop_margin, "scale": scale, "position": position, "channels": channels, "add_shadow": add_shadow, "shadow_type": shadow_type, "shadow_opacity": shadow_opacity, "semitransparency": semitransparency, "bg_color": bg_color, "bg_image_url": bg_image_url}, files={"image_file": image_file, "bg_image_file": bg_image_file})


def account() -> Call[AccountAnswer]:
    """Credits and calls left: `GET /v1.0/account`."""
    return Call("GET", "/v1.0/account", "json")


def improve(
    image_file: Upload | None = None,
    *,
    image_file_b64: str | None = None,
    image_url: str | None = None,
    image_filename: str | None = None,
    tag: str | None = None,
) -> Call[ImprovedAnswer]:
    """Send a picture to review: `POST /v1.0/improve`.

    Parameters
    ----------
    image_file
        A picture.
    image_file_b64
        In base64.
    image_url
        Its address.
    image_filename
        Its name.
    tag
        A word.
    """
    return Call("POST", "/v1.0/improve", "json", form={"image_file_b64": image_file_b64, "image_url": image_url, "image_filename": image_filename, "tag": tag}, files={"image_file": image_file})
