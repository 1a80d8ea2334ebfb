"""What a value is measured against and how it stands to that: arithmetic of meaning; it reads nothing."""

from shared.domain.targets.judging import Aim, Direction, Judgement, Status, attainment, judge, shortfall

__all__ = ["Aim", "Direction", "Judgement", "Status", "attainment", "judge", "shortfall"]
