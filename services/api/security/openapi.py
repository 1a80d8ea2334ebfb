"""What the OpenAPI document says about keys and tokens, and the scopes of every operation."""

from collections.abc import Iterable
from itertools import product
from typing import Any

from fastapi.routing import APIRoute

from services.api.security.scopes import declared

_SCHEMES: dict[str, dict[str, str]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of Tidemark, tmk_... The scopes that an operation lists are what the key"
        " has to have; of several entries one is enough.",
    },
    # Not openIdConnect: that wants the address of the issuer, which each deployment has its own of, or none.
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the OpenID issuer that the deployment accepts, if it accepts one;"
        " its scopes are written with a prefix, tidemark: unless configured otherwise.",
    },
}


def secured(document: dict[str, Any], routes: Iterable[APIRoute]) -> dict[str, Any]:
    """*document* with the schemes, and beside each of its operations the scopes that *routes* declare."""
    document.setdefault("components", {})["securitySchemes"] = _SCHEMES
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                operation["security"] = _alternatives(route)
    return document


def _alternatives(route: APIRoute) -> list[dict[str, list[str]]]:
    """Each way to meet everything that *route* asks for."""
    choices = sorted(product(*(sorted(scopes) for scopes in declared(route))))
    return [
        {scheme: [scope.value for scope in dict.fromkeys(choice)]}
        for scheme in _SCHEMES
        for choice in choices
    ]
