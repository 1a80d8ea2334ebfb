"""What keeps writers apart: If-Match; it knows no resource."""

from starlette.requests import Request

from shared.domain.errors import BadInputError


class PreconditionRequiredError(BadInputError):
    """A change says in If-Match which state of the thing it is meant for: its ETag, as last read."""


class PreconditionFailedError(BadInputError):
    """It has changed since it was read; read it again, and decide anew."""


def check_match(request: Request, etag: str) -> None:
    """Go on only if the caller has seen the state that *etag*, a strong one, stands for.

    Raises:
        PreconditionRequiredError: it does not say what it has seen.
        PreconditionFailedError: it has seen something else. `*` is refused as well: it is true of anything
            that exists, and would undo what others have written unseen.
    """
    lines = request.headers.getlist("if-match")
    if not lines:
        raise PreconditionRequiredError("say in If-Match which state is meant: the ETag, as last read")
    if etag not in {tag.strip() for line in lines for tag in line.split(",")}:
        raise PreconditionFailedError(f"it is not as If-Match says: its ETag is {etag} now")
