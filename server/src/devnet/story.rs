//! A year of Saltmarsh Collective, as data: what was proposed, by whom, how people voted, and where it ended.
//!
//! Names are slugs of [`people`](super::people). Hours of a vote count from its opening. What an agent recommends is
//! not written here; it is computed when the proposal is played, and stands in its text where braces are:
//! `{from}`, `{to}`, `{demand}` and `{why}`.

use Act::{
    BaseUri, Cadence, ContractUri, DefineTideline, Ether, Marsh, ObserveTideline, Quorum, RequireLogged, Set, TimelockDelay, VotingPeriod,
};
use Support::{Abstain, Against, For};

pub const COLLECTIVE: &str = "Saltmarsh Collective";
pub const ABOUT: &str = "Thirteen people and houses between the sluice and the sea, who draw the tide together. They own the Tideline series, \
the engine that draws it, and a treasury, and they decide about all three by vote.";
pub const ENGINE: &str = "tideline";
/// The origin of the explanation log that the collective asks decisions to be in.
pub const LOG_ORIGIN: &str = "saltmarsh.example/log";

/// When the first block is, and when the visitor arrives: 2025-11-10T08:00Z and 2026-11-16T09:00Z.
pub const GENESIS: u64 = 1_762_761_600;
pub const ARRIVAL: u64 = 1_794_819_600;

/// The governor at its deployment; votes of the first months change some of it.
pub const VOTING_DELAY: u64 = 6 * HOUR;
pub const FIRST_VOTING_PERIOD: u64 = 4 * DAY;
pub const FIRST_TIMELOCK_DELAY: u64 = 2 * DAY;
pub const FIRST_QUORUM: u64 = 20;
pub const LATE_QUORUM_EXTENSION: u64 = 12 * HOUR;
/// Whole MARSH that it takes to propose.
pub const THRESHOLD: u64 = 500;

pub const HOUR: u64 = 3_600;
pub const DAY: u64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Against,
    For,
    Abstain,
}

/// Who, how, how many hours after the vote opened, and why; an empty reason is none.
pub type Ballot = (&'static str, Support, f64, &'static str);

#[derive(Clone, Copy, Debug)]
pub enum Act {
    DefineTideline,
    /// The art token hears of every change.
    ObserveTideline,
    Set(&'static [(&'static str, &'static str)]),
    /// What the cadence steward recommends at that moment.
    Cadence,
    /// To whom, in thousandths of an ETH.
    Ether(&'static str, u64),
    /// To whom, in whole MARSH.
    Marsh(&'static str, u64),
    VotingPeriod(u64),
    TimelockDelay(u64),
    Quorum(u64),
    BaseUri(&'static str),
    ContractUri(&'static str),
    /// An agent's decision must be in the log that the executor anchors before it may change Tideline.
    RequireLogged,
}

/// What the text rests on besides its author's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    None,
    /// A decision record of the cadence steward, published.
    Steward,
    /// A record of the palette scout that nobody ever published.
    Scout,
}

/// Where a proposal stands when the visitor arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Executed,
    Defeated,
    /// Withdrawn by its proposer, so many hours after it was made.
    Canceled(u64),
    Queued,
    Active,
    Pending,
}

pub struct Motion {
    pub title: &'static str,
    /// `YYYY-MM-DD HH:MM`, UTC.
    pub at: &'static str,
    pub by: &'static str,
    pub basis: Basis,
    pub acts: &'static [Act],
    pub votes: &'static [Ballot],
    pub ending: Ending,
    /// Title of a proposal that is still to run: this one is drafted on the parameters as they will be after it.
    pub after: Option<&'static str>,
    pub text: &'static str,
}

/// What happens besides proposals.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// Someone lets someone else vote.
    Delegate(&'static str, &'static str),
    /// Whole MARSH from one to the other.
    Give(&'static str, &'static str, u64),
    /// What someone says of the decision that a proposal rests on: the proposal's title, 0 to 100, and a report.
    Verdict(&'static str, &'static str, u8, &'static str),
}

const FIRST_STEWARD: &str = "Offer {to} tokens a day instead of {from}";
const HALF_TERM: &str = "Offer {to} a day for the half-term week";

pub const HAPPENINGS: &[(&str, Happening)] = &[
    ("2026-01-31 18:20", Happening::Give("jules", "okke", 400)),
    ("2026-04-24 09:05", Happening::Delegate("okke", "greywater")),
    ("2026-06-12 21:40", Happening::Give("teodor", "tomas", 600)),
    ("2026-09-20 08:12", Happening::Delegate("okke", "okke")),
    ("2026-10-11 13:30", Happening::Give("sable", "marta", 500)),
    ("2026-11-08 10:20", Happening::Verdict("vera", FIRST_STEWARD, 100, "https://lindqvist.example/audits/tideline-2026-08-24")),
    // Jules is no auditor, but anybody may answer.
    ("2026-11-08 19:05", Happening::Verdict("jules", HALF_TERM, 50, "")),
];

pub const WINTER_STORMS: &str = "Winter storms: slate, and a heavier swell";

pub const MOTIONS: &[Motion] = &[
    Motion {
        title: "Adopt Tideline and its twelve parameters",
        at: "2025-11-12 10:15",
        by: "ines",
        basis: Basis::None,
        acts: &[DefineTideline, ObserveTideline],
        votes: &[
            ("teodor", For, 3.0, "Paper is cut. Let us begin."),
            ("ines", For, 5.5, ""),
            ("wen", For, 22.0, "The bounds are generous where it is taste and tight where it is money. Good."),
            ("greywater", For, 30.2, "Happy to see the tide data used this way."),
            ("okke", For, 49.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "This puts the engine that draws our plates under a vote. Twelve things about it can be changed from now on, and nothing else: five \
of them decide how a plate looks, five how and at what price it is offered, one is a line of text, one closes the season.

Each has hard bounds that no later vote can widen. The price moves by at most 0.02 ETH at a time, the cadence by at most twelve tokens and once \
a day. Colour and words are free.

The second call tells the token contract about every change, so that marketplaces refresh their pictures without anyone asking them to.",
    },
    Motion {
        title: "Shorter waits: three days to vote, one day to act",
        at: "2025-11-24 17:40",
        by: "wen",
        basis: Basis::None,
        acts: &[VotingPeriod(3 * DAY), TimelockDelay(DAY)],
        votes: &[
            ("noor", For, 1.2, ""),
            ("wen", For, 2.0, "Written by me, so no surprise."),
            ("greywater", Abstain, 26.0, "Either is fine for us. Our trustees meet monthly in any case."),
            ("teodor", For, 40.0, "Four days plus two was a long time to wait for a colour."),
            ("jules", Against, 55.5, "Two days in the timelock is what let me sleep."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Our first decision took a week from the first word to the last block. That is right for a constitution and too long for a palette.

I propose three days of voting instead of four, and one day in the timelock instead of two. The six hours before a vote opens stay, and so does the \
extension when the quorum is reached late: nobody should be able to win by voting in the last minute.",
    },
    Motion {
        title: "Slate for the winter plates",
        at: "2025-12-08 09:30",
        by: "teodor",
        basis: Basis::None,
        acts: &[Set(&[("palette", "slate"), ("swell", "0.550")])],
        votes: &[
            ("ines", For, 4.0, "I have wanted this since October."),
            ("teodor", For, 4.5, ""),
            ("sable", For, 20.0, "It will sell, if that matters to anyone."),
            ("marta", For, 33.3, ""),
            ("noor", Abstain, 60.0, "I like dawn. I will like slate."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Dawn is a summer palette. On the sluice it has been grey for three weeks, and the plates on my wall look like someone else's \
weather.

Slate until spring, and the swell from 0.35 to 0.55, so that the bands lean on each other a little. I plotted nine with these values; they are in the \
workshop for anyone who wants to look before voting.",
    },
    Motion {
        title: "2.5 ETH and 400 MARSH for the winter bird count",
        at: "2025-12-17 12:05",
        by: "greywater",
        basis: Basis::None,
        acts: &[Ether("greywater", 2_500), Marsh("okke", 400)],
        votes: &[
            ("okke", For, 0.8, "Conflict of interest declared: the MARSH is for me. I count them anyway."),
            ("ines", For, 10.0, ""),
            ("wen", For, 15.0, "This is what a treasury is for."),
            ("jules", For, 21.7, ""),
            ("halcyon", For, 48.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "The count runs from 5 January to 20 February, at low water, with four people and one borrowed telescope. The money pays fuel for the boat \
and a second telescope, which stays with the Trust.

- **2.5 ETH** to the Greywater Trust, with receipts in the archive by March
- **400 MARSH** to Okke Brandsma, who has read the gauge every morning for eleven years without being asked

In return the collective gets the counts as a data set, for plates or for anything else.",
    },
    Motion {
        title: "Raise the price to 0.06 ETH",
        at: "2026-01-08 19:50",
        by: "noor",
        basis: Basis::None,
        acts: &[Set(&[("mint.price", "0.0600")])],
        votes: &[
            ("noor", For, 1.0, "Scarcity is a promise to those who came early."),
            ("jules", For, 3.0, "Fewer, better, dearer."),
            ("ines", Against, 12.0, "We have not sold one plate yet. Let us see what people pay before we ask for more."),
            ("wen", Against, 19.4, "Students come to the openings. I want them to be able to take one home."),
            ("halcyon", Against, 44.0, ""),
            ("greywater", Abstain, 50.0, ""),
        ],
        ending: Ending::Defeated,
        after: None,
        text: "Everything I have bought in the last year at this quality cost more than 0.04 ETH. A low price tells people that we are not sure.

The step limit allows 0.06 in one move. I would stop there for a year.",
    },
    Motion {
        title: "A royalty of 7.5 per cent",
        at: "2026-01-20 08:45",
        by: "jules",
        basis: Basis::None,
        acts: &[Set(&[("royalty", "7.50")])],
        votes: &[
            ("jules", For, 0.5, ""),
            ("teodor", For, 9.0, "Paper got dearer."),
            ("sable", Against, 16.0, "Every point is a point less for whoever resells, and we resell for them."),
            ("ines", For, 29.0, "It funds the count and things like it. Yes."),
            ("noor", For, 66.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Resales should pay for what the mint does not: the archive, the sluice webcam, the birds. Five per cent is the figure everyone \
picks without thinking. I thought about it and arrived at seven and a half, which is also as far as one step may go.

If resales dry up we go back. It is one vote.",
    },
    Motion {
        title: "Ember for February",
        at: "2026-02-03 14:10",
        by: "wen",
        basis: Basis::Scout,
        acts: &[Set(&[("palette", "ember"), ("ink", "#3A1F1A")])],
        votes: &[
            ("wen", For, 1.5, "Adopting the scout's draft. The rule is simple, the colour is right."),
            ("teodor", For, 7.0, ""),
            ("marta", Against, 25.0, "An agent that says *because it is February* has not given a reason. Where is the record?"),
            ("greywater", For, 31.0, ""),
            ("okke", Against, 52.0, "I agree with Marta. Nice colour, though."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Palette scout, adopted by me.

The scout's rule: from Candlemas on, warm colours; when the swell is above one half, an ink two steps darker than the palette's darkest. Today that \
gives *ember* and a brown ink.

It is a rule of thumb and says so. The digest below is of its record, which its maker has promised to publish.",
    },
    Motion {
        title: "Serve the plates' metadata ourselves",
        at: "2026-03-02 11:00",
        by: "priya",
        basis: Basis::None,
        acts: &[BaseUri("https://tideline.saltmarsh.example/plates/"), ContractUri("https://tideline.saltmarsh.example/collection.json")],
        votes: &[
            ("priya", For, 0.2, ""),
            ("halcyon", For, 14.0, ""),
            ("ines", For, 18.0, "Tested on the studio's copy. Works."),
            ("wen", For, 39.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "The token points at a gateway that was down on two of the last thirty days. The plates are drawn from the registry's values in any \
case, so we may as well answer ourselves.

Two calls, one address each. The old gateway keeps its copy, and anyone can draw a plate without either of us: seed and parameters are on chain.",
    },
    Motion {
        title: "A quorum of 16 per cent",
        at: "2026-03-16 16:20",
        by: "okke",
        basis: Basis::None,
        acts: &[Quorum(16)],
        votes: &[
            ("okke", For, 2.0, ""),
            ("marta", For, 11.0, "Three of us decide most things anyway. Then let it count."),
            ("greywater", For, 35.0, ""),
            ("jules", Against, 58.0, "If twenty is hard to reach, that is information."),
            ("ines", For, 69.5, "Sorry to be late. This should not have needed me, which is the point of it."),
            ("noor", Against, 76.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Twice this winter a vote was still short of the quorum on its last day, and not because anyone was against.

The treasury's own 15,000 MARSH never vote but count in the total. Sixteen per cent of everything is about nineteen of what can vote. It still takes \
at least two of us, and more often three.",
    },
    Motion {
        title: "Mirror every plate",
        at: "2026-03-31 10:30",
        by: "halcyon",
        basis: Basis::None,
        acts: &[Set(&[("mirror", "on")])],
        votes: &[
            ("halcyon", For, 6.0, "It would look well on the folded sheets."),
            ("okke", For, 20.0, ""),
            ("marta", Abstain, 47.0, "I cannot picture it."),
        ],
        ending: Ending::Defeated,
        after: None,
        text: "With *mirror* on, the land below the tideline repeats what is above it, as still water does. For the folded edition that puts the \
horizon in the fold.

It changes every plate there is, also the ones on walls. I know that is a lot to ask. It can be turned back.",
    },
    Motion {
        title: "Pause minting while the plotter is repaired",
        at: "2026-04-13 07:55",
        by: "teodor",
        basis: Basis::None,
        acts: &[Set(&[("mint.open", "off")])],
        votes: &[
            ("teodor", For, 0.1, "Bearing is gone. Part comes from Delft."),
            ("halcyon", For, 5.0, "We cannot take over the queue before May."),
            ("wen", For, 9.0, ""),
            ("sable", Abstain, 23.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Every token comes with a plotted sheet. I cannot plot: the carriage bearing failed on Saturday, and the spare was the one that failed.

Close the mint until it runs again, so that nobody pays for a sheet that has no date. I will propose to reopen the day the first test plate is dry.",
    },
    Motion {
        title: "Eighteen bands, and 3 ETH of paper for the spring edition",
        at: "2026-04-27 13:15",
        by: "halcyon",
        basis: Basis::None,
        acts: &[Set(&[("layers", "18"), ("inscription", "tide out, lamp lit")]), Ether("halcyon", 3_000)],
        votes: &[
            ("halcyon", For, 1.0, ""),
            ("ines", For, 8.0, "Parameter and money in one vote, so we cannot end up with one and not the other."),
            ("marta", For, 13.0, "The line is from the lock-keeper's log of 1911."),
            ("jules", Against, 30.0, "Three ETH is a lot of paper."),
            ("wen", For, 47.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "The spring edition is drawn finer: eighteen bands instead of twelve, with Marta's inscription along the edge. Finer drawing wants \
better paper, or the pen drags.

1. `layers` from 12 to 18, which stays within one step
2. the inscription *tide out, lamp lit*
3. **3 ETH** to the studio for 600 sheets of 300 g cotton rag; the invoice goes to the archive

All three or none: fine lines on the old paper would be a waste of both.",
    },
    Motion {
        title: "Reopen the mint at 0.03 ETH",
        at: "2026-05-12 18:05",
        by: "ines",
        basis: Basis::None,
        acts: &[Set(&[("mint.open", "on"), ("mint.price", "0.0300")])],
        votes: &[
            ("ines", For, 0.4, ""),
            ("teodor", For, 1.1, "It runs. It even sounds better than before."),
            ("noor", Against, 15.0, "Opening yes, the price no. Why one vote for both?"),
            ("halcyon", For, 37.0, ""),
            ("greywater", For, 50.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "The plotter runs. The first plate of the spring edition came off it at four this afternoon, and Teodor has not stopped smiling.

We lost a season's start, so I would open gently: 0.03 ETH instead of 0.04 until people have found us again. We can raise it once there is a queue.",
    },
    Motion {
        title: "Bloom for midsummer",
        at: "2026-06-08 09:20",
        by: "wen",
        basis: Basis::Scout,
        acts: &[Set(&[("palette", "bloom"), ("swell", "0.300"), ("moon.rarity", "35")])],
        votes: &[
            ("wen", For, 2.0, "Last draft of the scout's that I adopt without a record. The summer does not wait."),
            ("ines", For, 11.0, ""),
            ("sable", For, 28.0, ""),
            ("marta", Against, 29.0, "As in February. I would vote for this from a person."),
            ("priya", Against, 45.0, "The record of February is still not published."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Palette scout, adopted by me.

Flat sea, much colour, and a moon on about every third plate, since the nights are short and people are awake for them. The scout derives all three \
from the date and the tide table.

Marta's objection from February stands, and I share it. I adopt this one because I would have proposed nearly the same.",
    },
    Motion {
        title: "Close the season at the end of August",
        at: "2026-06-23 20:30",
        by: "noor",
        basis: Basis::None,
        acts: &[Set(&[("season.closes", "1788220800")])],
        votes: &[],
        ending: Ending::Canceled(4),
        after: None,
        text: "A series needs an end. The last day of August gives us one that people remember, and a number that is final.

If it turns out that the sheets already paid for cannot all be drawn by then, I withdraw this before the vote opens.",
    },
    Motion {
        title: "Keep the season open into spring",
        at: "2026-07-20 15:00",
        by: "marta",
        basis: Basis::None,
        acts: &[Set(&[("season.closes", "1806451200")])],
        votes: &[
            ("marta", For, 1.0, ""),
            ("noor", For, 6.0, "I can live with an end, as long as there is one."),
            ("teodor", For, 27.0, "600 sheets is 600 sheets."),
            ("jules", Abstain, 33.0, ""),
            ("priya", For, 60.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "The season would close on the last day of December, in the middle of the winter plates. A year is not a tide: it should end when the \
water is low, at the spring equinox's end, on 31 March.

Nothing else changes. Whoever wants to see what a whole winter looks like will have had one.",
    },
    Motion {
        title: FIRST_STEWARD,
        at: "2026-08-24 08:30",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 0.5, "I ran the model on my own machine and got the same numbers."),
            ("marta", For, 10.0, "This is what a reason looks like. Every input, and what it weighs."),
            ("wen", For, 18.0, ""),
            ("jules", For, 20.5, "Fewer is always right."),
            ("teodor", Abstain, 55.0, "I plot what comes."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Cadence steward, adopted by me. It is the first from this agent, so please look closely.

{why}

The steward expects {demand} tokens a day to be wanted next week at this price, and its rule is to offer nine for every ten, so that the offer is a \
little short rather than a little stale. A mint that never sells out tells visitors there is no hurry.

What it does not know: that the harbour fair begins in September.",
    },
    Motion {
        title: "Back to 0.04 ETH",
        at: "2026-09-07 12:40",
        by: "noor",
        basis: Basis::None,
        acts: &[Set(&[("mint.price", "0.0400")])],
        votes: &[
            ("noor", For, 0.3, ""),
            ("jules", For, 2.0, ""),
            ("ines", For, 20.0, "I said we would. There is a queue on most days now."),
            ("sable", Against, 33.0, "Not two weeks before the fair!"),
            ("teodor", For, 52.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "In May we said 0.03 until people have found us again. Since the cadence came down the day's plates are gone by the evening, so they \
have.

0.04 is what we started with. Those who minted in spring paid less and got the brighter palette, which seems fair to both.",
    },
    Motion {
        title: "Offer {to} tokens a day, down from {from}",
        at: "2026-09-14 08:30",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 1.0, ""),
            ("jules", For, 3.0, ""),
            ("sable", Against, 12.0, "The fair is next week. An agent that cannot read a calendar should not set the stall."),
            ("ines", For, 24.0, "Sable is right about the fair. We can go up again right after, and the model will say so."),
            ("wen", Abstain, 40.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Cadence steward, adopted by me.

{why}

The price went up three days ago and the steward sees a week of which most was still at the old one; it expects {demand} a day. I would not \
overrule it here: going down is undone in a week, and unsold days are what visitors remember.",
    },
    Motion {
        title: "Kelp for the equinox",
        at: "2026-09-28 10:10",
        by: "okke",
        basis: Basis::None,
        acts: &[Set(&[("palette", "kelp"), ("layers", "14"), ("ink", "#16302B")])],
        votes: &[
            ("okke", For, 0.6, "My first with colours in it."),
            ("wen", For, 5.0, "And a good one."),
            ("greywater", For, 22.0, "At the highest tides the whole marsh is this green, from below."),
            ("halcyon", Abstain, 30.0, "Fourteen bands is easier on the pens, too."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "On 29 September the sluice gauge will read the highest water of the year. For three tides the marsh is under it, and from the bank you \
look through water at green.

Kelp, a green-black ink, and fourteen bands so that there is room between them.",
    },
    Motion {
        title: "Offer {to} tokens a day, up from {from}",
        at: "2026-10-05 08:30",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 0.4, ""),
            ("sable", For, 2.0, "People asked at the stall where to get one. There was none to get."),
            ("ines", For, 13.0, ""),
            ("jules", Against, 18.0, ""),
            ("marta", For, 44.0, "It said in September what would change its mind, and that is what happened."),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Cadence steward, adopted by me.

{why}

The fair brought people who came back for a second plate. On most days the last plate is gone before the evening, so we do not see how many were turned away; the \
model estimates {demand} wanted a day.",
    },
    Motion {
        title: HALF_TERM,
        at: "2026-10-15 08:30",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 1.0, "The numbers support it, whatever we decide."),
            ("jules", Against, 4.0, "We raised it last week. A record that explains itself is still only advice."),
            ("teodor", Against, 9.0, "I can plot ten a day, not more, and the sheets of last week are not dry."),
            ("noor", Against, 30.0, ""),
            ("sable", For, 41.0, ""),
            ("wen", Against, 58.0, "Teodor's hands are an input the model does not have."),
        ],
        ending: Ending::Defeated,
        after: None,
        text: "Drafted by the Cadence steward, adopted by me.

{why}

The steward's estimate has risen again, to {demand} a day, and its rule follows. This is the second step up within two weeks, which I find quick, but \
the reasons are the same as last time and I do not want to pick among them.",
    },
    Motion {
        title: "Offer {to} tokens a day from November",
        at: "2026-10-26 08:30",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 0.3, ""),
            ("teodor", For, 8.0, "Halcyon plots half from Monday. That was my objection, and it is gone."),
            ("halcyon", For, 8.5, ""),
            ("jules", Against, 26.0, "I will keep saying it."),
            ("noor", Abstain, 48.0, ""),
            ("ines", For, 50.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Drafted by the Cadence steward, adopted by me.

{why}

In October we said no to nearly the same, because one plotter could not draw so many. Since then Halcyon has agreed to take half of the sheets from \
November on. The estimate is {demand} a day.",
    },
    Motion {
        title: "A November inscription, and a darker ink",
        at: "2026-11-04 11:45",
        by: "marta",
        basis: Basis::None,
        acts: &[Set(&[("inscription", "the gauge reads high"), ("ink", "#0E2233")])],
        votes: &[
            ("marta", For, 0.2, ""),
            ("okke", For, 1.0, "It does."),
            ("ines", For, 19.0, ""),
            ("greywater", For, 40.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Okke writes one line into the gauge book every morning. On the second of November it was *the gauge reads high*, and nothing else, which \
for Okke is a shout.

I would like it along the edge of every plate, in an ink dark enough to read by lamp.",
    },
    Motion {
        title: "No reason in the log, no change",
        at: "2026-11-06 16:10",
        by: "marta",
        basis: Basis::None,
        acts: &[RequireLogged],
        votes: &[
            ("marta", For, 0.2, "In February I asked where the record was. From now on the contract asks."),
            ("okke", For, 3.0, "A gauge book has numbered pages for the same reason."),
            ("priya", For, 9.0, "I checked the contract against the log's own proofs. It takes the steward's and no other."),
            ("greywater", For, 28.0, ""),
            ("jules", Abstain, 40.0, "A bad reason in a good log is still a bad reason."),
            ("ines", For, 51.0, ""),
        ],
        ending: Ending::Executed,
        after: None,
        text: "Twice this year we changed the plates on the word of an agent that never published why. We voted for it, so it was allowed.

With this, a change that rests on an agent's decision cannot run until that decision is in the explanation log and the log's root is on chain. The \
registry checks the proof itself. What a person proposes without an agent needs no such thing, as before.

It does not say that a reason is good. It says that it was given before, and that nobody can rewrite it after. Another vote can lift it.",
    },
    Motion {
        title: WINTER_STORMS,
        at: "2026-11-12 05:50",
        by: "teodor",
        basis: Basis::None,
        acts: &[Set(&[("palette", "slate"), ("swell", "0.550"), ("layers", "20")])],
        votes: &[
            ("teodor", For, 1.4, ""),
            ("greywater", For, 6.0, "Two named storms this week already."),
            ("halcyon", For, 20.0, "Twenty bands on cotton rag: yes."),
            ("sable", Against, 31.0, "Kelp is what visitors ask for."),
            ("ines", For, 46.0, "Last winter's plates are the ones I still look at."),
        ],
        ending: Ending::Queued,
        after: None,
        text: "The first storm of the season took the lower walkway on Monday. The plates should know about it.

Slate again, as last winter, and the swell back to 0.55. New this time: twenty bands, which with the heavier sea pile up at the horizon the way the \
real ones do. Every plate changes with this, old ones too, and changes back when we say so in spring.",
    },
    Motion {
        title: "3 ETH for storm gauges on the outer bank",
        at: "2026-11-13 03:28",
        by: "greywater",
        basis: Basis::None,
        acts: &[Ether("greywater", 3_000)],
        votes: &[
            ("okke", For, 4.0, "One gauge at the sluice tells you what happened. Three on the bank tell you what is coming."),
            ("ines", For, 12.0, ""),
            ("wen", For, 28.0, ""),
            ("jules", Against, 39.0, "Third grant this year. I would like to see the bird data first."),
            ("marta", For, 55.0, "Jules: it is in the archive since April, under *counts*."),
        ],
        ending: Ending::Active,
        after: None,
        text: "Monday's surge reached the sluice gauge ninety minutes after it had crossed the outer bank. With three loggers on the bank that is ninety \
minutes of warning, for the village first and for the plates second.

The money buys three pressure loggers, mounting, and a year of radio. The readings are public from the first day.",
    },
    Motion {
        title: "A winter show on the quay: 4 ETH",
        at: "2026-11-14 15:05",
        by: "sable",
        basis: Basis::None,
        acts: &[Ether("sable", 4_000)],
        votes: &[
            ("sable", For, 0.5, ""),
            ("noor", For, 3.0, "I will lend all four of mine."),
            ("teodor", Against, 11.0, "Framing alone is 1.1 ETH in this budget. I can frame for a quarter of that."),
            ("marta", Abstain, 20.0, "For the show, against the budget. Could we see a second one?"),
        ],
        ending: Ending::Active,
        after: None,
        text: "Forty plates, one from every week of the season, in the order in which the parameters changed. Visitors walk along a year of decisions \
and can read next to each plate who decided it and why.

| what | ETH |
|---|---|
| Framing, forty plates | 1.1 |
| Rent of the net loft, four weeks | 1.6 |
| Printing of the reasons | 0.4 |
| Invigilation | 0.9 |

We take no commission on anything sold.",
    },
    Motion {
        title: "Offer {to} tokens a day before the holidays",
        at: "2026-11-15 06:40",
        by: "priya",
        basis: Basis::Steward,
        acts: &[Cadence],
        votes: &[
            ("priya", For, 1.3, "Recomputed here, same digest. Halcyon confirms that they can plot it."),
            ("jules", Against, 9.0, "Sold out is not a problem. It is the point."),
            ("marta", For, 16.5, ""),
        ],
        ending: Ending::Active,
        after: Some(WINTER_STORMS),
        text: "Drafted by the Cadence steward, adopted by me.

{why}

Every day of the last week sold out before the evening. What is minted therefore says little about what is wanted; the model estimates {demand} \
a day, mostly from how full the offer was.

*Winter storms* waits in the timelock and changes the parameters on Monday. This is drafted on the values as they will be after it, and can only run \
once it has.",
    },
    Motion {
        title: "Still water: mirror the plates over the holidays",
        at: "2026-11-16 07:35",
        by: "halcyon",
        basis: Basis::None,
        acts: &[Set(&[("mirror", "on"), ("inscription", "still water")])],
        votes: &[],
        ending: Ending::Pending,
        after: Some(WINTER_STORMS),
        text: "A second try. In March nobody could picture it, so this time there are pictures: twelve plates with the mirror on hang in the window of \
the studio until the vote ends.

Between the storms there are always a few days when nothing moves. Let the plates have those too, and Marta's line to go with them. We turn it back in \
January.

Drafted on the parameters as they will be after *Winter storms*. If the steward's cadence passes first, this has to be made again.",
    },
];
