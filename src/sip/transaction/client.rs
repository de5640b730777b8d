//! The client transaction of every method but INVITE and ACK: RFC 3261 §17.1.2.
//! It must never make up a 408 that reaches the wire (RFC 4320 §4.2).

use serde::{Deserialize, Serialize};

use super::machine::{Class, Effect, Input, Move, Stage, go};
use super::timer::Timer;

/// Where a request that we sent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Client {
    /// Nothing heard.
    Trying,
    /// A provisional answer came.
    Proceeding,
    /// The final answer came; repeats of it are absorbed.
    Completed,
    /// Over.
    Terminated,
}

impl Stage for Client {
    const BEGIN: Move<Self> = Move {
        to: Client::Trying,
        effects: &[Effect::Send, Effect::Start(Timer::E), Effect::Start(Timer::F)],
    };
    const OVER: Self = Client::Terminated;

    fn on(self, input: Input) -> Option<Move<Self>> {
        use Client::*;
        use Effect::*;
        use Input::{Fired, Response};
        use Timer::{E, F, K};
        match (self, input) {
            (Trying, Fired(E)) => go(Trying, &[Send, Again(E)]),
            (Proceeding, Fired(E)) => go(Proceeding, &[Send, Slowly(E)]),
            (Trying | Proceeding, Fired(F)) => go(Terminated, &[TimedOut]),
            (Trying | Proceeding, Input::Unreachable) => go(Terminated, &[Effect::Unreachable]),
            (Trying | Proceeding, Response(Class::Trying | Class::Provisional)) => go(Proceeding, &[Deliver]),
            (Trying | Proceeding, Response(Class::Success | Class::Failure)) => {
                go(Completed, &[StopAll, Start(K), Deliver])
            }

            (Completed, Fired(K)) => go(Terminated, &[]),

            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::transaction::table;

    #[test]
    fn the_table_is_that_of_rfc_3261_figure_6() {
        use Client::*;
        table::is_exactly(
            &[Trying, Proceeding, Completed, Terminated],
            "begin                  Trying     Send Start(E) Start(F)
             Trying     Trying      Proceeding Deliver
             Trying     Provisional Proceeding Deliver
             Trying     Success     Completed  StopAll Start(K) Deliver
             Trying     Failure     Completed  StopAll Start(K) Deliver
             Trying     Unreachable Terminated Unreachable
             Trying     Fired(E)    Trying     Send Again(E)
             Trying     Fired(F)    Terminated TimedOut
             Proceeding Trying      Proceeding Deliver
             Proceeding Provisional Proceeding Deliver
             Proceeding Success     Completed  StopAll Start(K) Deliver
             Proceeding Failure     Completed  StopAll Start(K) Deliver
             Proceeding Unreachable Terminated Unreachable
             Proceeding Fired(E)    Proceeding Send Slowly(E)
             Proceeding Fired(F)    Terminated TimedOut
             Completed  Fired(K)    Terminated",
        );
    }
}
