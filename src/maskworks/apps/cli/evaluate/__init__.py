"""`maskworks evaluate`: measure predictions against the truth, a file for what is evaluated."""

from __future__ import annotations

import typer

from maskworks.apps.cli.evaluate.confidence import calibration, threshold
from maskworks.apps.cli.evaluate.fairness import fairness
from maskworks.apps.cli.evaluate.labels import instances, panoptic, semantic
from maskworks.apps.cli.evaluate.masks import saliency, video
from maskworks.apps.cli.evaluate.mattes import mattes
from maskworks.apps.cli.evaluate.options import HtmlCommand
from maskworks.apps.cli.evaluate.tracks import tracks
from maskworks.apps.cli.evaluate.volumes import volumes

app = typer.Typer(no_args_is_help=True, help="Measure predictions against the truth.")
for command in (
    semantic,
    instances,
    panoptic,
    saliency,
    video,
    fairness,
    calibration,
    threshold,
    mattes,
):
    app.command(cls=HtmlCommand)(command)
app.command()(tracks)
app.command()(volumes)
