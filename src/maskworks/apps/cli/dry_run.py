"""What a run of `maskworks cutout` would do, said without doing it."""

from __future__ import annotations

import json
import sys

from maskworks.apps.cli.report import short
from maskworks.batch.destination import Aim, take_aim
from maskworks.batch.planning import make_plan
from maskworks.core.errors import UsageError
from maskworks.cutouts.request import (
    Request,
    look_of,
    plan_options,
    refinement_of,
    settings_of,
    spec_of,
)
from maskworks.cutouts.trimaps import trimaps_at


def show_plan(request: Request) -> int:
    """Print what a run would do; return 1 if some of it would be refused."""
    aim = aim_of(request)
    spec = spec_of(request)
    look_of(request, aim)
    refinement_of(request)
    if request.streamed:
        raise UsageError("--dry-run reads nothing, so it cannot say anything of stdin")
    plan = make_plan(request.inputs, aim, settings_of(request, spec, aim), plan_options(request))
    trimaps_at(request.trimap, aim.folder, pictures=len(plan.works))
    todo = {work.source: work for work in plan.todo}
    refused = 0
    for planned in plan.works:
        work = todo.get(planned.source)
        action = "keep" if work is None else "refuse" if work.error else "cut"
        refused += action == "refuse"
        error = work.error if work else None
        if request.style == "json":
            fault = {"code": error.code, "message": str(error)} if error else None
            paths = {"source": str(planned.source), "output": str(planned.output)}
            print(json.dumps({**paths, "action": action, "error": fault}))
        elif error or request.style != "quiet":
            print(f"{action:7} {error or f'{planned.shown} -> {short(str(planned.output))}'}")
    if request.style == "text":
        cut = len(plan.todo) - refused
        counts = f"{cut} to cut, {len(plan.kept)} to keep, {refused} to refuse"
        print("\n".join([f"{counts}; nothing was written", *plan.notes]))
    return 1 if refused else 0


def aim_of(request: Request) -> Aim:
    """Return where the outputs go.

    Raises
    ------
    UsageError
        If a picture would go to a terminal, or beside JSON on stdout.
    """
    aim = take_aim(request.output, request.form, streamed=request.streamed)
    if aim.folder is None and aim.file is None:
        if request.style == "json":
            raise UsageError("--json and a picture on stdout exclude each other; give -o FILE")
        if sys.stdout.isatty():
            raise UsageError("a picture is not written to a terminal; give -o FILE or a pipe")
    return aim
