"""Who may do what, and see which KPIs; it knows no header and no table."""

from shared.domain.access.limits import EVERYTHING, Limits
from shared.domain.access.principals import NOT_ASKED, Principal
from shared.domain.access.scopes import Scope

__all__ = ["EVERYTHING", "NOT_ASKED", "Limits", "Principal", "Scope"]
