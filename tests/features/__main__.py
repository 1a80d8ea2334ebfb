"""Write docs/features.md: python -m tests.features."""

from tests.features.pages import PAGE, page

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
