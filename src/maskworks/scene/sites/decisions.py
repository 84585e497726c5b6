"""What people say of sites: it is kept beside the score, and the ranking is made anew with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from maskworks.core.errors import OutputError, UsageError
from maskworks.scene.sites.request import read_records
from maskworks.scene.sites.scoring import SiteScore
from maskworks.scene.sites.site_record import SITE_VERDICT_WORDS, SiteDecision
from maskworks.scene.sites.site_writing import DECISIONS, read_ranked_policy, write_ranking
from maskworks.scene.topics import nearest


def decide_site(
    output: Path,
    site: str,
    verdict: str,
    *,
    by: str,
    reason: str = "",
    score: float | None = None,
) -> tuple[SiteDecision, list[SiteScore]]:
    """Write down what a person says of a site, and make the ranking anew.

    Parameters
    ----------
    output : Path
        That `run_sites` wrote.
    site : its id
    verdict : "accept", "exclude" (with a reason) or "override" (with a score, 0 to 100)

    Returns
    -------
    SiteDecision, list of SiteScore
        What was written, and the sites in their new order.

    Raises
    ------
    UsageError
        If there is no such site or verdict, or a reason or score is missing.
    UnreadableError, OutputError
        If the folder cannot be read or written.
    """
    records = read_records(output)
    known = [each.id for each in records]
    if site not in known:
        raise UsageError(f"{output}: there is no site {site!r}; {nearest(site, known)}")
    word = next((each for each in SITE_VERDICT_WORDS if each == verdict), None)
    if word is None:
        raise UsageError(f"there is no verdict {verdict!r}; {nearest(verdict, SITE_VERDICT_WORDS)}")
    if word == "exclude" and not reason.strip():
        raise UsageError("a site is excluded with a reason, so that others can weigh it; --reason")
    if (word == "override") != (score is not None):
        raise UsageError(
            "a score goes with the verdict override, and only with it; --score 0 to 100"
        )
    if score is not None and not 0 <= score <= 100:
        raise UsageError(f"a score lies between 0 and 100, got {score:g}")
    policy, top, failed = read_ranked_policy(output)
    said = SiteDecision(
        site=site,
        verdict=word,
        reviewer=by,
        reason=reason,
        score=score,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    path = output / DECISIONS
    try:
        with path.open("a", encoding="utf-8") as stream:
            stream.write(said.model_dump_json() + "\n")
    except OSError as error:
        raise OutputError(path, str(error), "make the folder writable") from error
    return said, write_ranking(output, records, policy, failed=failed, top=top)
