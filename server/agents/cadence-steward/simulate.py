"""A seeded simulator of the people who mint from a generative collective.

It produces what a follower of the chain would have seen, week by week, together with the one thing a chain never
shows: how many tokens people wanted, whether or not there were any left. That second number is what the steward's
model learns to estimate.

Everything is integer arithmetic on `random.Random` bits. There is no floating point in the simulation itself, so the
same seed gives the same history on every machine and every Python 3. Only the finished rows hold two ratios.

A season is one collective over some months:

* About `audience` people look at it on a day. It drifts back to the size the collective usually has, moves with a
  `momentum` that changes slowly, and now and then an exhibition brings many newcomers at once.
* Each of them wants a token with a chance that falls with the price, around a `fair` price of the season's own. A
  person is counted as wanting once, on the first day.
* At most `cadence` tokens are sold on a day. Of those who came too late half return the next day, and an eighth of
  the others look for a token on the secondary market instead.
* A buyer is new to the collective with a chance that grows with momentum and shrinks as the season gets older.
* Holders transfer tokens at a low steady rate, besides those secondary sales.
* Every few weeks the collective changes price or cadence, so that histories hold many combinations of the two.

What it leaves out: people react to each other, to the art, and to the steward's own decisions. README.md says what
that means for trusting the model.
"""

from random import Random

FEATURES = (
    "fill_7d",
    "mints_7d",
    "mints_prev_7d",
    "new_collectors_7d",
    "transfers_7d",
    "price_eth",
    "cadence",
)

SEED = 20251101
SEASONS = 320
WEEKS = 26

# The first weeks of a season have no week before them and no settled queue, so no row is taken from them.
WARM_UP_WEEKS = 2

# Prices are whole ten-thousandths of an ETH, as the registry stores them.
LOWEST_PRICE, HIGHEST_PRICE = 50, 5000
LOWEST_CADENCE, HIGHEST_CADENCE = 1, 60


def successes(rng: Random, trials: int, chance: int) -> int:
    """How many of `trials` succeed, each with a chance of `chance` in 256.

    One random word holds one bit of every trial. Combining eight words from the lowest bit of `chance` to the highest,
    with OR where the bit is set and AND where it is not, leaves every bit set with exactly that chance.
    """
    if trials <= 0 or chance <= 0:
        return 0
    if chance >= 256:
        return trials
    outcome = 0
    for position in range(8):
        word = rng.getrandbits(trials)
        outcome = (outcome | word) if (chance >> position) & 1 else (outcome & word)
    return outcome.bit_count()


def within(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


class Season:
    """One collective from its first day on."""

    def __init__(self, rng: Random):
        self.rng = rng
        self.usual_audience = rng.choice((8, 14, 22, 30, 38, 46, 56))
        self.audience = self.usual_audience
        self.momentum = 0  # in 256ths of the audience per week
        self.fair = rng.choice((300, 350, 400, 460))
        self.price = rng.choice((100, 200, 300, 400, 400, 400, 500, 700, 1000))
        self.cadence = rng.choice((4, 8, 12, 15, 18, 18, 18, 22, 28, 36, 48))
        self.spotlight = 0  # extra visitors a day, fading
        self.returning = 0
        self.supply = 0
        self.day = 0

    def chance_of_wanting(self) -> int:
        """In 256ths, by price alone: half at the fair price, a fifth at twice, four fifths at half."""
        return 256 * self.fair**2 // (self.fair**2 + self.price**2)

    def live_a_day(self) -> dict:
        rng = self.rng
        mood = rng.randint(96, 416)  # some days nobody looks, some days everybody does
        visitors = (self.audience + self.spotlight) * mood // 256
        wanted = successes(rng, visitors, self.chance_of_wanting())
        asking = wanted + self.returning
        minted = min(asking, self.cadence)
        missed = asking - minted
        self.returning = successes(rng, missed, 128)
        elsewhere = successes(rng, missed - self.returning, 32)

        newness = within(120 + self.momentum - self.day // 2, 24, 224)
        new = successes(rng, minted, newness)
        held = min(self.supply, 3000)
        transfers = successes(rng, held // 8, 6) + elsewhere

        self.supply += minted
        self.spotlight = self.spotlight * 4 // 5
        self.day += 1
        return {"wanted": wanted, "minted": minted, "new": new, "transfers": transfers}

    def turn_the_week(self) -> None:
        """What changes between weeks: attention, and sometimes the collective's own terms."""
        rng = self.rng
        self.momentum = within(self.momentum * 3 // 4 + rng.randint(-28, 28), -80, 80)
        pull = (self.usual_audience - self.audience) // 8
        drift = self.audience * self.momentum // 256
        self.audience = within(self.audience + pull + drift, 2, 110)
        if rng.randrange(16) == 0:
            self.spotlight += self.usual_audience * rng.randint(1, 3) // 3
            self.momentum = within(self.momentum + 32, -80, 80)
        if rng.randrange(6) == 0:
            self.price = within(self.price * rng.choice((50, 70, 80, 90, 115, 130, 160)) // 100, LOWEST_PRICE, HIGHEST_PRICE)
        if rng.randrange(4) == 0:
            self.cadence = within(self.cadence + rng.randint(-12, 12), LOWEST_CADENCE, HIGHEST_CADENCE)


def season_rows(seed: int, weeks: int = WEEKS) -> list:
    """One row per week: (what was known at its end, demand per day over the week after).

    Weeks before a change of price are left out, since the question is how many would be wanted *at this price*.
    """
    rng = Random(seed)
    season = Season(rng)
    history = []
    for _ in range(weeks):
        price, cadence = season.price, season.cadence
        days = [season.live_a_day() for _ in range(7)]
        history.append(
            {
                "price": price,
                "cadence": cadence,
                "wanted": sum(day["wanted"] for day in days),
                "minted": sum(day["minted"] for day in days),
                "new": sum(day["new"] for day in days),
                "transfers": sum(day["transfers"] for day in days),
            }
        )
        season.turn_the_week()

    rows = []
    for week in range(WARM_UP_WEEKS, weeks - 1):
        before, last, following = history[week - 1], history[week], history[week + 1]
        if following["price"] != last["price"]:
            continue
        features = [
            last["minted"] / (7 * last["cadence"]),
            float(last["minted"]),
            float(before["minted"]),
            float(last["new"]),
            float(last["transfers"]),
            last["price"] / 10000,
            float(last["cadence"]),
        ]
        forget_some(rng, features)
        rows.append((features, following["wanted"] / 7))
    return rows


def forget_some(rng: Random, features: list) -> None:
    """Leaves out what a young token or a gap in an index leaves out, so the model learns to do without."""
    if rng.randrange(40) == 0:
        features[2] = float("nan")
    if rng.randrange(50) == 0:
        features[3] = float("nan")
    if rng.randrange(50) == 0:
        features[4] = float("nan")


def simulate(seed: int = SEED, seasons: int = SEASONS, weeks: int = WEEKS) -> list:
    """All rows, grouped by season so that a hold-out can keep whole seasons apart."""
    return [season_rows(seed * 1000 + number, weeks) for number in range(seasons)]
