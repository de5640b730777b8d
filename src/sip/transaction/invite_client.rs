//! The INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state of RFC 6026 §7.2 and Timer C.
//! It must never acknowledge a 2xx: that is its user's (RFC 3261 §13.2.2.4).

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Input, Move, Stage, go};
use super::timer::Timer;

/// Where an INVITE that we sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteClient {
    /// Nothing heard.
    Calling,
    /// A provisional answer came.
    Proceeding,
    /// A failure came and was acknowledged; repeats of it are acknowledged again.
    Completed,
    /// A 2xx came; repeated and forked ones are passed on.
    Accepted,
    /// Over.
    Terminated,
}

impl Stage for InviteClient {
    const BEGIN: Move<Self> = Move {
        to: InviteClient::Calling,
        effects: &[Effect::Send, Effect::Start(Timer::A), Effect::Start(Timer::B), Effect::Start(Timer::C)],
    };
    const OVER: Self = InviteClient::Terminated;

    fn on(self, input: Input) -> Option<Move<Self>> {
        use Class::{Failure, Provisional, Success, Trying};
        use Effect::*;
        use Input::{Fired, Response};
        use InviteClient::*;
        use Timer::{A, B, C, D, Expiry, M};
        match (self, input) {
            (Calling, Fired(A)) => go(Calling, &[Send, Again(A)]),
            (Calling, Fired(B)) => go(Terminated, &[TimedOut]),
            (Calling, Response(Trying)) => go(Proceeding, &[Stop(A), Stop(B), Deliver]),
            (Calling, Response(Provisional)) => go(Proceeding, &[Stop(A), Stop(B), Start(C), Deliver]),

            (Proceeding, Response(Trying)) => go(Proceeding, &[Deliver]),
            // Only 101 to 199 show that the call still rings (RFC 3261 §16.7 step 2).
            (Proceeding, Response(Provisional)) => go(Proceeding, &[Start(C), Deliver]),
            (Proceeding, Input::Cancel) => go(Proceeding, &[Stop(C), Effect::Cancel, Start(Expiry)]),
            // Its end is the 487, a 2xx that crossed the CANCEL, or silence (RFC 3261 §16.8, §9.1).
            (Proceeding, Fired(C)) => go(Proceeding, &[Effect::Cancel, Start(Expiry)]),
            (Proceeding, Fired(Expiry)) => go(Terminated, &[TimedOut]),

            (Calling | Proceeding, Response(Success)) => go(Accepted, &[StopAll, Start(M), Deliver]),
            (Calling | Proceeding, Response(Failure)) => go(Completed, &[StopAll, Ack, Start(D), Deliver]),
            (Calling | Proceeding, Input::Unreachable) => go(Terminated, &[Effect::Unreachable]),

            (Completed, Response(Failure)) => go(Completed, &[Ack]),
            (Completed, Fired(D)) => go(Terminated, &[]),

            (Accepted, Response(Success)) => go(Accepted, &[Deliver]),
            (Accepted, Fired(M)) => go(Terminated, &[]),

            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::table;

    #[test]
    fn the_table_is_that_of_rfc_3261_figure_5_and_rfc_6026() {
        use InviteClient::*;
        table::is_exactly(
            &[Calling, Proceeding, Completed, Accepted, Terminated],
            "begin                 Calling     Send Start(A) Start(B) Start(C)
             Calling    Trying      Proceeding  Stop(A) Stop(B) Deliver
             Calling    Provisional Proceeding  Stop(A) Stop(B) Start(C) Deliver
             Calling    Success     Accepted    StopAll Start(M) Deliver
             Calling    Failure     Completed   StopAll Ack Start(D) Deliver
             Calling    Unreachable Terminated  Unreachable
             Calling    Fired(A)    Calling     Send Again(A)
             Calling    Fired(B)    Terminated  TimedOut
             Proceeding Trying      Proceeding  Deliver
             Proceeding Provisional Proceeding  Start(C) Deliver
             Proceeding Success     Accepted    StopAll Start(M) Deliver
             Proceeding Failure     Completed   StopAll Ack Start(D) Deliver
             Proceeding Cancel      Proceeding  Stop(C) Cancel Start(Expiry)
             Proceeding Unreachable Terminated  Unreachable
             Proceeding Fired(C)    Proceeding  Cancel Start(Expiry)
             Proceeding Fired(Expiry) Terminated TimedOut
             Completed  Failure     Completed   Ack
             Completed  Fired(D)    Terminated
             Accepted   Success     Accepted    Deliver
             Accepted   Fired(M)    Terminated",
        );
    }
}
