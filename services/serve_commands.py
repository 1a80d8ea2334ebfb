"""`tidemark serve`: one process of one service, in the foreground."""

import importlib
import os
from enum import StrEnum
from typing import Annotated

import typer


class Service(StrEnum):
    """The three services."""

    INGEST = "ingest"
    COMPUTE = "compute"
    API = "api"


def serve(
    service: Annotated[Service, typer.Argument(help="Which service to run.")],
    *,
    insecure_local: Annotated[
        bool,
        typer.Option(
            "--insecure-local",
            help="Ask nobody for a key; refused unless TIDEMARK_HTTP_HOST is this machine's loopback.",
        ),
    ] = False,
) -> None:
    """Run a service until SIGTERM; its settings are TIDEMARK_* variables."""
    if insecure_local:
        if service is Service.COMPUTE:
            raise typer.BadParameter("compute asks nobody for a key: leave --insecure-local out")
        os.environ["TIDEMARK_INSECURE_LOCAL"] = "true"
    importlib.import_module(f"services.{service}.main").main()
