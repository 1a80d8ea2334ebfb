"""Callers other than everybody, for APIs that ask for no key."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.requests import Request

from services.api import dependencies
from services.api.security import scopes
from shared.domain.access import Principal


@contextmanager
def calling(monkeypatch: pytest.MonkeyPatch, caller: Principal) -> Iterator[None]:
    """Whoever asks is *caller*, as if it had shown its key."""

    def principal_of(_: Request) -> Principal:
        return caller

    with monkeypatch.context() as patched:
        for module in (dependencies, scopes):
            patched.setattr(module, "principal_of", principal_of)
        yield
