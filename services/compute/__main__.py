"""Start compute: `python -m services.compute`."""

from services.compute.main import main

main()
