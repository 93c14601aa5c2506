"""Write the demo table: subscriptions of a made-up company, and whether each customer churned.

`python hooks/demo_data.py OUT_DIR` writes `customers.csv`, the 21 months that generation puts into a project, and
`last-quarter.csv`, the three months after them. The bytes are the same on every platform: chance comes from
`Random.random()` alone, whose sequence Python keeps for a given seed, and chances are whole numbers, so that no
library's rounding decides a row.

What the table has on purpose, each stated by a test: mixed types, missing values, customers that repeat (who churns
may come back), a region where the columns say little (`islands`), two sensitive columns, a column that is filled in
after the outcome (`cancellation_reason`), effects that a straight line misses, and a last quarter after a price rise,
with other inputs and more churn.
"""

import csv
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

SEED = 2
CUSTOMERS = 1600
FIRST_YEAR = 2024
MONTHS = 24
TABLE_MONTHS = 21  # the rest is the last quarter
LAST_QUARTER_FROM = f"{FIRST_YEAR + TABLE_MONTHS // 12}-{TABLE_MONTHS % 12 + 1:02d}-01"

COLUMNS = (
    "customer_id",
    "observed_on",
    "region",
    "plan",
    "gender",
    "age",
    "tenure_months",
    "monthly_fee",
    "usage_hours",
    "support_calls",
    "late_payments",
    "auto_pay",
    "satisfaction",
    "last_ticket",
    "cancellation_reason",
    "churned",
)
REGIONS = (("north", 26), ("south", 24), ("east", 18), ("west", 16), ("islands", 16))
PLANS = (("basic", 45), ("standard", 35), ("premium", 20))
GENDERS = (("female", 51), ("male", 49))
REASONS = (("price", 45), ("competitor", 25), ("moved", 15), ("service", 15))
FEE_CENTS = {"basic": 1490, "standard": 2790, "premium": 4990}
TYPICAL_HOURS = {"basic": 12, "standard": 24, "premium": 40}

TICKET_OPENINGS = ("hello", "good morning", "again", "please help", "second message about this", "urgent")
TICKET_TOPICS = (
    "the app logs me out",
    "video stops after a minute",
    "my invoice shows two charges",
    "the password mail never comes",
    "sound and picture drift apart",
    "the remote pairing fails",
    "downloads stay at zero",
    "the search finds nothing",
    "my profile is gone",
    "subtitles are missing",
)
TICKET_DETAILS = (
    "since the update",
    "since monday",
    "on two devices",
    "on my television",
    "only in the evening",
    "after the trial ended",
    "while travelling",
    "for the third time",
)
TICKET_ENDINGS = ("thank you", "please call back", "this is not what I pay for", "I am close to leaving", "any news")


@dataclass(frozen=True)
class Customer:
    """What stays the same over a customer's rows; `loyalty` is never written."""

    customer_id: str
    region: str
    plan: str
    gender: str
    age: int
    auto_pay: bool
    hours: int
    joined: int  # months after the first month of the table, negative for before
    loyalty: int


class Dice:
    """Chance in whole numbers."""

    def __init__(self, seed: int) -> None:
        """Start the sequence that belongs to a seed."""
        self._random = Random(seed).random

    def below(self, limit: int) -> int:
        """Return a number from 0 to limit - 1."""
        return int(self._random() * limit)

    def happens(self, per_mille: int) -> bool:
        """Return True in so many of a thousand cases."""
        return self.below(1000) < per_mille

    def one_of(self, names: Sequence[str]) -> str:
        """Return one name, each as likely as the next."""
        return names[self.below(len(names))]

    def pick(self, weighted: tuple[tuple[str, int], ...]) -> str:
        """Return one name, by weight."""
        return self.one_of([name for name, weight in weighted for _ in range(weight)])


def draw_customer(number: int, dice: Dice) -> Customer:
    """Draw one customer."""
    plan = dice.pick(PLANS)
    return Customer(
        customer_id=f"C{10000 + number}",
        region=dice.pick(REGIONS),
        plan=plan,
        gender=dice.pick(GENDERS),
        age=18 + dice.below(30) + dice.below(35),
        auto_pay=dice.happens(600),
        # A typical customer of the plan, from almost nothing to about twice as much.
        hours=TYPICAL_HOURS[plan] * (10 + dice.below(100) + dice.below(100)) // 100,
        joined=dice.below(MONTHS + 30) - 36,
        loyalty=dice.below(60) + dice.below(60) - 59,
    )


def churn_per_mille(
    customer: Customer, tenure: int, hours: int, calls: int, late: int, satisfaction: int, angry: bool, drifted: bool
) -> int:
    """Return the chance of churn. Much of it lies in pairs of columns, which a straight line misses."""
    chance = 35 * (3 - satisfaction) + 50 * late - customer.loyalty
    used = 100 * hours // TYPICAL_HOURS[customer.plan]
    if customer.plan == "premium":  # pays for what is not used
        chance += 500 if used < 75 else -190
    elif customer.plan == "basic":  # has outgrown the plan
        chance += 500 if used > 130 else -150
    else:
        chance += 350 if used < 55 else -100
    if tenure % 12 in (0, 11) and not customer.auto_pay:  # the contract can be ended
        chance += 260
    if late >= 2 and not customer.auto_pay:
        chance += 200
    if calls >= 3:  # called often: content if it helped
        chance += 380 if satisfaction <= 2 else -60
    chance += 40 if angry else 0
    chance += 120 if tenure < 5 else 0
    if customer.region == "islands":  # one provider: what people do here hardly shows in the columns
        chance = 130 + chance // 8
    return 80 + chance + (150 if drifted else 0)


def draw_row(customer: Customer, month: int, dice: Dice) -> list[str]:
    """Draw what is known of a customer in one month, and whether the customer churned after it."""
    drifted = month >= TABLE_MONTHS
    tenure = month - customer.joined
    fee = FEE_CENTS[customer.plan] * (90 + dice.below(16)) // 100
    half_hours = max(1, 2 * customer.hours * (75 + dice.below(51)) // 100)
    calls = dice.below(3) * dice.below(3) + dice.below(2)
    late = dice.below(2) + (dice.below(3) if dice.happens(350) else 0)
    satisfaction = 1 + dice.below(5)
    if drifted:  # a price rise: people pay more, use less and call more
        fee = fee * 118 // 100
        half_hours = max(1, half_hours * 75 // 100)
        calls = min(5, calls + dice.below(3))
    angry = dice.happens(250)
    ticket = ""
    if calls > 0 and dice.happens(850):
        parts = (
            [TICKET_OPENINGS, TICKET_TOPICS, TICKET_DETAILS, TICKET_ENDINGS]
            if angry
            else [TICKET_TOPICS, TICKET_DETAILS]
        )
        ticket = f"{' '.join(dice.one_of(part) for part in parts)} (case {1000 + dice.below(9000)})"
    chance = churn_per_mille(customer, tenure, half_hours // 2, calls, late, satisfaction, angry, drifted)
    churned = dice.happens(chance)
    # Asked when a customer leaves; four in a thousand do not answer.
    reason = dice.pick(REASONS) if churned and not dice.happens(4) else ""
    return [
        customer.customer_id,
        f"{FIRST_YEAR + month // 12}-{month % 12 + 1:02d}-{1 + dice.below(28):02d}",
        customer.region,
        customer.plan,
        customer.gender,
        str(customer.age),
        str(tenure),
        f"{fee // 100}.{fee % 100:02d}",
        "" if dice.happens(60) else f"{half_hours // 2}.{half_hours % 2 * 5}",
        str(calls),
        str(late),
        "yes" if customer.auto_pay else "no",
        "" if dice.happens(150) else str(satisfaction),
        ticket,
        reason,
        "yes" if churned else "no",
    ]


def draw_rows() -> list[list[str]]:
    """Draw all rows of all 24 months, in order of date."""
    dice = Dice(SEED)
    rows = []
    for number in range(CUSTOMERS):
        customer = draw_customer(number, dice)
        month = max(0, customer.joined + 1) + dice.below(7)
        while month < MONTHS:
            rows.append(draw_row(customer, month, dice))
            month += 4 + dice.below(6)
    return sorted(rows, key=lambda row: (row[1], row[0]))


def write_rows(path: Path, rows: Iterable[list[str]]) -> None:
    """Write a CSV file with a header and bare line feeds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def write_table(path: Path) -> None:
    """Write the table of the first 21 months."""
    write_rows(path, (row for row in draw_rows() if row[1] < LAST_QUARTER_FROM))


def write_last_quarter(path: Path) -> None:
    """Write the three months after the table, with the same columns."""
    write_rows(path, (row for row in draw_rows() if row[1] >= LAST_QUARTER_FROM))


def main() -> None:
    """Write both files into the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python hooks/demo_data.py OUT_DIR")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "customers.csv")
    write_last_quarter(folder / "last-quarter.csv")


if __name__ == "__main__":
    main()
