"""What routes ask of their callers."""

from collections.abc import Iterator

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.routing import Route

from services.api.app import create_app
from services.api.dependencies import Scope, needs
from services.api.http import problems
from services.api.security.scopes import admit
from shared.domain.access import Principal
from tests.unit.api.builders import Memory, a_state

pytestmark = pytest.mark.asyncio


def _app(*scopes: Scope) -> FastAPI:
    """Routes of every sort of declaration, for a caller with *scopes*."""

    async def caller(request: Request) -> None:
        request.state.principal = Principal("tests", frozenset(scopes))

    router = APIRouter(prefix="/reads", dependencies=[needs(Scope.READ)])

    @router.get("/one")
    async def one() -> None: ...

    @router.get("/both", dependencies=[needs(Scope.ADMIN)])
    async def both() -> None: ...

    app = FastAPI(dependencies=[Depends(caller), Depends(admit)])
    app.get("/either", dependencies=[needs(Scope.METRICS, Scope.READ)])(one)
    app.get("/undeclared")(one)
    app.include_router(router)
    problems.install(app)
    return app


@pytest.mark.parametrize(
    ("path", "scopes", "status"),
    [
        ("/reads/one", [Scope.READ], 200),
        ("/reads/one", [Scope.WRITE, Scope.ADMIN], 403),
        ("/reads/both", [Scope.READ], 403),
        ("/reads/both", [Scope.READ, Scope.ADMIN], 200),
        ("/either", [Scope.READ], 200),
        ("/either", [Scope.METRICS], 200),
        ("/either", [Scope.INGEST], 403),
        ("/undeclared", list(Scope), 403),
    ],
)
async def test_deny_by_default(path: str, scopes: list[Scope], status: int) -> None:
    """A caller passes with what is declared, and nobody passes where nothing is."""
    transport = httpx2.ASGITransport(app=_app(*scopes))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        answer = await client.get(path)

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["type"] in {
            "urn:tidemark:problem:missing-scope",
            "urn:tidemark:problem:undeclared-scope",
        }


def _plain(app: FastAPI) -> Iterator[str]:
    yield from (route.path for route in app.router.routes if type(route) is Route)


async def test_plain_routes() -> None:
    """Routes that are not the framework's pass no declaration, so there are only these."""
    assert set(_plain(create_app(a_state(Memory())))) == {"/openapi.json", "/healthz", "/readyz"}
