"""`tidemark serve`: one process of one service, in the foreground."""

import importlib
from enum import StrEnum
from typing import Annotated

import typer


class Service(StrEnum):
    """The three services."""

    INGEST = "ingest"
    COMPUTE = "compute"
    API = "api"


def serve(service: Annotated[Service, typer.Argument(help="Which service to run.")]) -> None:
    """Run a service until SIGTERM; its settings are TIDEMARK_* variables."""
    importlib.import_module(f"services.{service}.main").main()
