"""What is thought of a cut-out, in headers and in bodies."""

from __future__ import annotations

from typing import Any

from maskworks.apps.http.pictures.cutting import Answer


def opinion_headers(answer: Answer) -> dict[str, str]:
    """Return X-Confidence, X-Score, X-Route, X-Status and X-Reasons, as far as known."""
    confidence = answer.cutout.confidence
    headers = {
        "X-Status": answer.cutout.status,
        "X-Confidence": "" if confidence is None else f"{confidence:.4f}",
        "X-Score": "" if answer.score is None else f"{answer.score:.4f}",
        "X-Route": answer.route or "",
        "X-Reasons": ",".join(reason.name for reason in answer.reasons),
    }
    return {name: value for name, value in headers.items() if value}


def opinion(answer: Answer) -> dict[str, Any]:
    """Return the same as fields, each reason with its sentence."""
    return {
        "status": answer.cutout.status,
        "confidence": answer.cutout.confidence,
        "score": answer.score,
        "route": answer.route,
        "edges": answer.cutout.refined,
        "reasons": [
            {"name": one.name, "value": one.value, "limit": one.limit, "text": one.text}
            for one in answer.reasons
        ],
    }
