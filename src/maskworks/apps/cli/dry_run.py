"""What a run of `maskworks cutout` would do, said without doing it."""

from __future__ import annotations

import json

from maskworks.apps.cli.following import Style
from maskworks.apps.cli.report import short
from maskworks.batch.planning import Streams
from maskworks.core.errors import UsageError
from maskworks.cutouts.request import CutoutRequest, plan_cutting


def show_plan(request: CutoutRequest, style: Style, streams: Streams) -> int:
    """Print what a run would do; return 1 if some of it would be refused."""
    if request.streamed:
        raise UsageError("--dry-run reads nothing, so it cannot say anything of stdin")
    plan, _ = plan_cutting(request, streams)
    todo = {work.source: work for work in plan.todo}
    refused = 0
    for planned in plan.works:
        work = todo.get(planned.source)
        action = "keep" if work is None else "refuse" if work.error else "cut"
        refused += action == "refuse"
        error = work.error if work else None
        if style == "json":
            fault = {"code": error.code, "message": str(error)} if error else None
            paths = {"source": str(planned.source), "output": str(planned.output)}
            print(json.dumps({**paths, "action": action, "error": fault}))
        elif error or style != "quiet":
            print(f"{action:7} {error or f'{planned.shown} -> {short(str(planned.output))}'}")
    if style == "text":
        cut = len(plan.todo) - refused
        counts = f"{cut} to cut, {len(plan.kept)} to keep, {refused} to refuse"
        print("\n".join([f"{counts}; nothing was written", *plan.notes]))
    return 1 if refused else 0
