//! What happens to letters between machines, as messages of the world.
//! It must never say more than the switch's own receipts and offers do.

use trunkline::supervision::machine::Party;

/// What a writer hears of its letters.
#[derive(Clone, Debug)]
pub enum Post {
    /// `reader` has committed everything up to `number`.
    Acknowledged { reader: Party, number: u64 },
    /// `reader` can be reached again.
    OfferAgain { reader: Party },
}
