# fmt: off
"""One function for each operation of the service; it makes a `Call`.

Written by docs/generate.py from the OpenAPI document; change the service, then `make fix`.
"""

from __future__ import annotations


from maskworks.client.call import Call, FileAnswer, Upload


def rembg_by_address(
    *,
    url: str,
    model: str | None = None,
    a: bool | None = None,
    af: int | None = None,
    ab: int | None = None,
    ae: int | None = None,
    om: bool | None = None,
    ppm: bool | None = None,
    bgc: str | None = None,
    extras: str | None = None,
) -> Call[FileAnswer]:
    """Remove the background of a picture by its address: `GET /api/remove`.

    Parameters
    ----------
    url
        Address of a picture, if that is allowed.
    model
        A model of `maskworks models list`.
    a
        Alpha matting. By default false.
    af
        Alpha from which it is the subject. By default 240.
    ab
        Alpha below which it is background. By default 10.
    ae
        Pixels that both are eroded by. By default 10.
    om
        The mask alone. By default false.
    ppm
        Post-process the mask. By default false.
    bgc
        red,green,blue,alpha
    extras
        A JSON object; models here take none of rembg's.
    """
    return Call("GET", "/api/remove", "file", query={"url": url, "model": model, "a": a, "af": af, "ab": ab, "ae": ae, "om": om, "ppm": ppm, "bgc": bgc, "extras": extras})


def rembg(
    file: Upload,
    *,
    model: str | None = None,
    a: bool | None = None,
    af: int | None = None,
    ab: int | None = None,
    ae: int | None = None,
    om: bool | None = None,
    ppm: bool | None = None,
    bgc: str | None = None,
    extras: str | None = None,
) -> Call[FileAnswer]:
    """Remove the background of a picture: `POST /api/remove`.

    Parameters
    ----------
    file
        A picture.
    model
        A model of `maskworks models list`.
    a
        Alpha matting. By default false.
    af
        Alpha from which it is the subject. By default 240.
    ab
        Alpha below which it is background. By default 10.
    ae
        Pixels that both are eroded by. By default 10.
    om
        The mask alone. By default false.
    ppm
        Post-process the mask. By default false.
    bgc
        red,green,blue,alpha
    extras
        A JSON object; models here take none of rembg's.
    """
    return Call("POST", "/api/remove", "file", form={"model": model, "a": a, "af": af, "ab": ab, "ae": ae, "om": om, "ppm": ppm, "bgc": bgc, "extras": extras}, files={"file": file})
