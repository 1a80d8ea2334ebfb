"""Write the OpenAPI document: `python -m services.api.openapi [FILE]`, docs/openapi.json by default."""

import json
import sys
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from services.api.app import create_app
from services.api.composition import state_on
from services.api.settings import ApiSettings
from shared.storage.engine import open_engine

DEFAULT = Path("docs/openapi.json")


def document() -> str:
    """The document as it is checked in; nothing is connected to for it."""
    return json.dumps(_app().openapi(), indent=2, ensure_ascii=False) + "\n"


def _app() -> FastAPI:
    settings = ApiSettings()
    # An engine connects when it is first used, and this one never is.
    engine = open_engine("postgresql://127.0.0.1/none", application_name="tidemark-openapi")
    return create_app(state_on(engine, settings, registry=CollectorRegistry()))


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    target.write_text(document(), encoding="utf-8")
