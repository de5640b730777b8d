//! The INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state of RFC 6026 §7.1.
//! It must never repeat a 2xx by itself: that is its user's (RFC 3261 §13.3.1.4).

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Input, Move, Stage, go};
use super::timer::Timer;

/// Where an INVITE that we received stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteServer {
    /// No final answer yet.
    Proceeding,
    /// A failure was answered; it is sent again until the ACK comes.
    Completed,
    /// The ACK came; repeats of it are absorbed.
    Confirmed,
    /// A 2xx was answered; repeats of the INVITE are absorbed, those of the 2xx sent.
    Accepted,
    /// Over.
    Terminated,
}

impl Stage for InviteServer {
    const BEGIN: Move<Self> =
        Move { to: InviteServer::Proceeding, effects: &[Effect::Start(Timer::Trying), Effect::Deliver] };
    const OVER: Self = InviteServer::Terminated;

    fn on(self, input: Input) -> Option<Move<Self>> {
        use Class::{Failure, Provisional, Success, Trying};
        use Effect::*;
        use Input::{Fired, Response};
        use InviteServer::*;
        use Timer::{G, H, I, L};
        match (self, input) {
            (Proceeding, Input::Request) => go(Proceeding, &[Send]),
            (Proceeding, Response(Trying | Provisional)) => go(Proceeding, &[Stop(Timer::Trying), Send]),
            (Proceeding, Response(Success)) => go(Accepted, &[StopAll, Send, Start(L)]),
            (Proceeding, Response(Failure)) => go(Completed, &[StopAll, Send, Start(G), Start(H)]),
            (Proceeding, Fired(Timer::Trying)) => go(Proceeding, &[SayTrying]),

            (Completed, Input::Request) => go(Completed, &[Send]),
            (Completed, Fired(G)) => go(Completed, &[Send, Again(G)]),
            (Completed, Fired(H)) => go(Terminated, &[Unacked]),
            (Completed, Input::Ack) => go(Confirmed, &[StopAll, Start(I), Acked]),

            (Confirmed, Fired(I)) => go(Terminated, &[]),

            (Accepted, Response(Success)) => go(Accepted, &[Send]),
            (Accepted, Fired(L)) => go(Terminated, &[]),

            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::table;

    #[test]
    fn the_table_is_that_of_rfc_3261_figure_7_and_rfc_6026() {
        use InviteServer::*;
        table::is_exactly(
            &[Proceeding, Completed, Confirmed, Accepted, Terminated],
            "begin                    Proceeding Start(Trying) Deliver
             Proceeding Trying        Proceeding Stop(Trying) Send
             Proceeding Provisional   Proceeding Stop(Trying) Send
             Proceeding Success       Accepted   StopAll Send Start(L)
             Proceeding Failure       Completed  StopAll Send Start(G) Start(H)
             Proceeding Request       Proceeding Send
             Proceeding Fired(Trying) Proceeding SayTrying
             Completed  Request       Completed  Send
             Completed  Ack           Confirmed  StopAll Start(I) Acked
             Completed  Fired(G)      Completed  Send Again(G)
             Completed  Fired(H)      Terminated Unacked
             Confirmed  Fired(I)      Terminated
             Accepted   Success       Accepted   Send
             Accepted   Fired(L)      Terminated",
        );
    }
}
