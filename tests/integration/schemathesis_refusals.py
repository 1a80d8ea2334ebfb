"""What a refusal has to tell, as a check of schemathesis; loaded by its command line, not by pytest."""

from typing import Any

import schemathesis

NAMING = frozenset({"urn:tidemark:problem:invalid-parameter"})
"""Kinds of problems that are of no use without the name of what is wrong."""


@schemathesis.check
def told_refusal(ctx: Any, response: Any, case: Any) -> None:
    """Whatever is refused is a problem: with this status, on this path, naming what is at fault."""
    if not 400 <= response.status_code < 500:
        return
    body = response.json()
    problems = []
    if response.headers["content-type"] != ["application/problem+json"]:
        problems.append("is no problem+json")
    if body["status"] != response.status_code:
        problems.append("tells another status")
    if not body["detail"] or not body["type"].startswith("urn:tidemark:problem:"):
        problems.append("does not say what happened")
    if body["type"] in NAMING and not body["errors"]:
        problems.append("does not name what is wrong")
    assert not problems, f"The refusal {', '.join(problems)}: {body}"
