"""Can this test set tell? The smallest gain it can show, and the rows that a wanted gain needs."""

import math

from scipy.special import ndtri

POWER = 0.8
BEYOND_COUNTING = 1e6  # a million times the standard error away: no one will ever label so many rows


def reach(alpha: float, power: float = POWER) -> float:
    """Standard errors between "no gain" and a gain that is shown with this power (alpha is one-sided)."""
    return float(ndtri(1 - alpha) + ndtri(power))


def minimum_detectable_effect(se: float, alpha: float, min_effect: float = 0.0) -> float:
    """The smallest true gain that is shown to exceed `min_effect` in four of five comparisons."""
    return min_effect + reach(alpha) * se


def rows_needed(units: int, se: float, alpha: float, distance: float) -> int | None:
    """Units at which a true gain this far above the bar is shown in four of five; None where no number would do."""
    if distance <= 0:
        return None
    wanted = reach(alpha) * se / distance
    return math.ceil(units * wanted**2) if wanted < BEYOND_COUNTING else None


def connor_rows(discordance: float, difference: float, alpha: float, power: float = POWER) -> int:
    """Rows that a difference of paired proportions needs (Connor, Biometrics 1987; alpha is one-sided)."""
    spent, wanted = float(ndtri(1 - alpha)), float(ndtri(power))
    above = spent * math.sqrt(discordance) + wanted * math.sqrt(discordance - difference**2)
    return math.ceil((above / difference) ** 2)
