"""The tools that an assistant sees, over the Model Context Protocol.

The protocol is that of https://modelcontextprotocol.io, spoken by the `mcp` package (MIT); the
only file that imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Literal, ParamSpec, TypeVar

import anyio.from_thread
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from maskworks.apps.mcp import campaigns, work
from maskworks.apps.mcp.root import Root
from maskworks.core.errors import MaskworksError
from maskworks.core.version import __version__

INSTRUCTIONS = """\
Maskworks cuts subjects out of photos, labels pictures, and runs campaigns with a review queue.
Every path is relative to one folder, the root; nothing outside it can be named, and nothing that
exists is overwritten. A confidence is the expected IoU of a cut-out, not a promise: status
"review" means that a person should look. Look at a picture with `look` before deciding on it.
Suitability collects evidence; a person decides."""

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_DECIDES = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False)


def build_server(root: Root, *, person: str, read_only: bool = False) -> MCPServer[Any]:
    """Return the server of one root; `run("stdio")` serves it.

    Parameters
    ----------
    person : on whose behalf an assistant decides; the trail says that it was an assistant
    read_only : offer no tool that writes
    """
    server: MCPServer[Any] = MCPServer(
        "maskworks",
        title="Maskworks",
        version=__version__,
        instructions=INSTRUCTIONS,
        log_level="WARNING",
    )
    for tools, hints in _tools(root, f"{person} (through an assistant)").items():
        if hints.read_only_hint or not read_only:
            server.add_tool(_told_in_words(tools), annotations=hints)
    return server


def _tools(  # noqa: C901 - a function a tool
    root: Root, who: str
) -> Mapping[Callable[..., Any], ToolAnnotations]:
    """Return each tool and what it does to the files; its docstring is what an assistant reads."""

    def cutout(  # noqa: PLR0913 - a tool has as many arguments as it has options
        context: Context,
        inputs: list[str],
        output: str,
        *,
        background: str | None = None,
        format: Literal["png", "webp", "tiff", "jpg"] | None = None,  # noqa: A002
        mask_only: bool = False,
        min_confidence: float = 0.0,
        resume: bool = False,
    ) -> dict[str, Any]:
        """Cut the subject out of pictures, or of folders of them, with soft edges.

        `output` is a folder (or one file, for one picture). `background` is none, blur, a colour
        such as white or #f4f1ec, or a picture. Each row says status (ok, review, no-subject,
        failed), confidence and score in [0, 1], and reasons. `resume` keeps what was made before.
        """
        wishes = work.CutWishes(
            background=background,
            form=format,
            mask_only=mask_only,
            min_confidence=min_confidence,
            resume=resume,
        )
        return work.cut_pictures(root, inputs, output, wishes, _progress(context))

    def segment(
        context: Context,
        inputs: list[str],
        output: str,
        model: str = "street",
        find: str | None = None,
    ) -> dict[str, Any]:
        """Label every pixel of pictures: label maps, overlays and the shares of each class.

        `model` is a name that `models` lists, or a method without weights such as kmeans or otsu.
        `find` is words with commas, such as "cars, people": only these are labelled.
        """
        return work.label_pictures(root, inputs, output, model, find, _progress(context))

    def evaluate(
        task: Literal["mattes", "saliency", "semantic", "instances", "panoptic"],
        truth: str,
        predictions: str,
        taxonomy: str | None = None,
    ) -> dict[str, Any]:
        """Measure predictions against the truth, as the official scripts of each task do.

        Folders of pictures for mattes, saliency and semantic (with a taxonomy such as
        cityscapes-19); COCO's JSON files for instances and panoptic.
        """
        return work.measure(root, task, truth, predictions, taxonomy)

    def suitability(inputs: list[str], output: str, *, resume: bool = False) -> dict[str, Any]:
        """Collect evidence of sensitive topics in clips and pictures, in the IAB's categories.

        It says which categories were looked at and which were not. It never approves: a person
        decides.
        """
        return work.assess_media(root, inputs, output, resume=resume)

    def sites(table: str, output: str, *, ocr: bool = True, resume: bool = False) -> dict[str, Any]:
        """Rank screens (billboards) by what surrounds them in photos, with intervals.

        `table` is a CSV with a row a screen: id, photos (a folder, a photo or a clip) and
        optionally name, venue, lat, lon, polygon, hours, audience. People are counted, never
        sorted by traits. The score supplements a person's judgement; `ocr` reads the signs.
        """
        return work.rank_sites(root, table, output, ocr=ocr, resume=resume)

    def models() -> dict[str, Any]:
        """List the models that can be named, with task and licence."""
        return work.known_models()

    def look(picture: str) -> Image:
        """Show a picture, made smaller; what is clear in it lies on grey."""
        return Image(data=work.preview(root, picture), format="png")

    def campaign_status(campaign: str) -> dict[str, Any]:
        """Count a campaign's pictures by route; `campaign` is its .toml file or folder."""
        return campaigns.status_of(root, campaign)

    def list_reviews(campaign: str, skip: int = 0) -> dict[str, Any]:
        """List the pictures of a campaign that await a decision: score, reasons and outputs."""
        return campaigns.reviews_of(root, campaign, skip=max(0, skip))

    def decide(
        campaign: str, picture: str, decision: Literal["accept", "reject", "fix"], why: str
    ) -> dict[str, Any]:
        """Decide on one picture of a campaign: accept delivers it, reject sends it to a retoucher.

        fix keeps it in review until a corrected file comes back. `picture` is its number, path or
        SKU; `why` is read by people and is kept in the trail, with the note that an assistant
        decided. Look at its outputs first.
        """
        return campaigns.decide_on(root, campaign, picture, decision, why=why, who=who)

    return {
        cutout: _WRITES,
        segment: _WRITES,
        evaluate: _READS,
        suitability: _WRITES,
        sites: _WRITES,
        models: _READS,
        look: _READS,
        campaign_status: _READS,
        list_reviews: _READS,
        decide: _DECIDES,
    }


def _told_in_words(tool: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Return the tool with our errors as answers that an assistant reads."""

    @wraps(tool)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        try:
            return tool(*args, **kwargs)
        except MaskworksError as error:
            raise ToolError(f"{error.code}: {error}") from error

    return called


def _progress(context: Context) -> work.Told:
    """Return what tells the client how far the work is; it is called on the tool's thread."""

    def told(done: int, total: int) -> None:
        anyio.from_thread.run(partial(context.report_progress, done, total))

    return told
