"""What the OpenAPI document says about keys: one scheme, and the scopes of every operation."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from fastapi.routing import APIRoute

from services.api.security.scopes import declared

_SCHEME = "key"


def secured(document: dict[str, Any], routes: Iterable[APIRoute]) -> dict[str, Any]:
    """*document* with the scheme, and beside each of its operations the scopes that *routes* declare."""
    document.setdefault("components", {})["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "A key of Tidemark, tmk_... The scopes that an operation lists are what the key"
            " has to have; of several entries one is enough.",
        }
    }
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path, {}).get(method.lower())
            if operation is not None:
                operation["security"] = _alternatives(route)
    return document


def _alternatives(route: APIRoute) -> list[dict[str, list[str]]]:
    """Each way to meet everything that *route* asks for."""
    choices = sorted(product(*(sorted(scopes) for scopes in declared(route))))
    return [{_SCHEME: [scope.value for scope in dict.fromkeys(choice)]} for choice in choices]
