//! The server transaction of every method but INVITE and ACK: RFC 3261 §17.2.2, mended by RFC 4320.
//! It must never answer 408, nor a provisional one but the 100 that is overdue.

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Input, Move, Stage, go};
use super::timer::Timer;

/// Where a request that we received stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Server {
    /// Not answered.
    Trying,
    /// Answered 100.
    Proceeding,
    /// Finally answered; repeats of the request get the same answer.
    Completed,
    /// Over.
    Terminated,
}

impl Stage for Server {
    const BEGIN: Move<Self> = Move {
        to: Server::Trying,
        effects: &[Effect::Start(Timer::Overdue), Effect::Start(Timer::Expiry), Effect::Deliver],
    };
    const OVER: Self = Server::Terminated;

    fn on(self, input: Input) -> Option<Move<Self>> {
        use Effect::*;
        use Input::{Fired, Response};
        use Server::*;
        use Timer::{Expiry, J, Overdue};
        match (self, input) {
            (Trying, Fired(Overdue)) => go(Proceeding, &[SayTrying]),
            (Proceeding, Input::Request) => go(Proceeding, &[Send]),
            (Trying | Proceeding, Response(Class::Success | Class::Failure)) => {
                go(Completed, &[StopAll, Send, Start(J)])
            }
            (Trying | Proceeding, Fired(Expiry)) => go(Terminated, &[]),

            (Completed, Input::Request) => go(Completed, &[Send]),
            (Completed, Fired(J)) => go(Terminated, &[]),

            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::table;

    #[test]
    fn the_table_is_that_of_rfc_3261_figure_8_and_rfc_4320() {
        use Server::*;
        table::is_exactly(
            &[Trying, Proceeding, Completed, Terminated],
            "begin                      Trying     Start(Overdue) Start(Expiry) Deliver
             Trying     Success         Completed  StopAll Send Start(J)
             Trying     Failure         Completed  StopAll Send Start(J)
             Trying     Fired(Overdue)  Proceeding SayTrying
             Trying     Fired(Expiry)   Terminated
             Proceeding Success         Completed  StopAll Send Start(J)
             Proceeding Failure         Completed  StopAll Send Start(J)
             Proceeding Request         Proceeding Send
             Proceeding Fired(Expiry)   Terminated
             Completed  Request         Completed  Send
             Completed  Fired(J)        Terminated",
        );
    }
}
