//! Who is in the demo collective: names, weights and what they care about. Their accounts come from anvil's own test
//! phrase, so everybody's devnet has the same addresses, and none of them is worth anything elsewhere.

/// The phrase every Ethereum test node uses. Whoever holds it holds these accounts, and everybody holds it.
pub const PHRASE: &str = "test test test test test test test test test test test junk";
/// Accounts made from the phrase: the people below, then collectors without a name.
pub const ACCOUNTS: usize = 160;
/// The first account that belongs to nobody in particular.
pub const FIRST_COLLECTOR: usize = 20;

/// Who deploys the contracts, and holds no right over them afterwards.
pub const DEPLOYER: usize = 18;

/// Keys of three accounts of [`PHRASE`], known to everybody and worthless outside the devnet.
pub const STEWARD_KEY: &str = "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97";
pub const LEDGER_KEY: &str = "0xea6c44ac03bff858b476bba40716402b03e41b8e97e276d1baec7c37d42484a0";
pub const EXECUTOR_KEY: &str = "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Holds votes, and the demo wallet may act for it.
    Member,
    /// Drafts proposals that members adopt.
    Agent,
    /// Sends what anybody could send.
    Executor,
    /// Looks into decisions and says on chain whether they hold; the demo wallet may act for them.
    Auditor,
}

#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub slug: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub role: Role,
    /// Place among the accounts of [`PHRASE`].
    pub account: usize,
    /// Whole MARSH at the beginning.
    pub marsh: u64,
    /// Who votes with that weight; themselves when empty.
    pub delegate: &'static str,
}

const fn member(account: usize, slug: &'static str, name: &'static str, marsh: u64, about: &'static str) -> Person {
    Person { slug, name, about, role: Role::Member, account, marsh, delegate: "" }
}

const fn through(delegate: &'static str, person: Person) -> Person {
    Person { delegate, ..person }
}

/// Whole MARSH that the treasury holds at the beginning; it delegates to nobody.
pub const TREASURY_MARSH: u64 = 15_500;
/// Whole ETH that the two founders put in, each.
pub const FOUNDING_ETHER: u64 = 20;

pub const PEOPLE: [Person; 18] = [
    member(0, "ines", "Ines Marlowe", 14_000, "Founder. Wrote the first Tideline sketches on a night ferry."),
    member(1, "teodor", "Teodor Vance", 11_500, "Founder. Keeps the plotters running and counts the paper."),
    member(2, "wen", "Wen Okafor", 8_000, "Curator. Chooses what hangs next to what."),
    member(3, "halcyon", "Halcyon Plotter Studio", 7_500, "Two printers and a pen plotter under a railway arch."),
    member(4, "greywater", "Greywater Trust", 9_000, "Looks after nine miles of saltmarsh and lends us its tide data."),
    member(5, "noor", "Noor Haddad", 6_200, "Collector. Has one plate of every season."),
    member(6, "jules", "Jules Aubrecht", 4_800, "Collector. Would rather have fewer, better."),
    member(10, "sable", "Sable & Finch", 5_500, "Gallery on the quay."),
    member(11, "priya", "Priya Raman", 4_100, "Developer. Adopts what the cadence steward drafts, when she agrees with it."),
    member(12, "marta", "Marta Quill", 3_500, "Writer. Keeps the archive and finds the inscriptions."),
    member(13, "okke", "Okke Brandsma", 2_600, "Reads the tide gauge at Saltmarsh Sluice every morning."),
    through("wen", member(14, "lowell", "Lowell Ash", 6_000, "Collector, mostly at sea. Wen votes for him.")),
    through("priya", member(15, "tomas", "Tomas Reyes", 1_800, "Student of Priya's, learning to plot.")),
    Person {
        slug: "cadence-steward",
        name: "Cadence steward",
        about: "An agent. Says how many tokens a day to offer, from a demand model it publishes.",
        role: Role::Agent,
        account: 8,
        marsh: 0,
        delegate: "",
    },
    Person {
        slug: "ledger-steward",
        name: "Ledger steward",
        about: "An agent. Answers the cadence steward's question with a straight line that fits on a page; nobody has adopted its advice yet.",
        role: Role::Agent,
        account: 16,
        marsh: 0,
        delegate: "",
    },
    Person {
        slug: "palette-scout",
        name: "Palette scout",
        about: "An earlier agent that suggested palettes by the calendar. It never published its reasons.",
        role: Role::Agent,
        account: 7,
        marsh: 0,
        delegate: "",
    },
    Person {
        slug: "vera",
        name: "Vera Lindqvist",
        about: "Auditor. Recomputes what agents recommend and publishes what she finds. She holds no votes, by choice.",
        role: Role::Auditor,
        account: 17,
        marsh: 0,
        delegate: "",
    },
    Person {
        slug: "executor",
        name: "Bridge executor",
        about: "Queues and executes what was decided, as anybody could. It holds no role and no votes.",
        role: Role::Executor,
        account: 9,
        marsh: 0,
        delegate: "",
    },
];

/// Who has this slug; every name in the story is one of them.
pub fn person(slug: &str) -> Option<&'static Person> {
    PEOPLE.iter().find(|person| person.slug == slug)
}
