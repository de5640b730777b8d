//! Whether a leg may take the place of the one with a named dialog (RFC 3891 §3); pure.
//! It must never look for legs: whoever asks has found them, with all the arbiters that there are.

use super::{CallInput, Word};
use crate::ids::{CallId, LegId};
use crate::leg::Leg;
use crate::sip::message::{Replaces, StatusCode, Uri};

/// The leg of a dialog that a Replaces names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its call.
    pub call: CallId,
    /// The leg.
    pub leg: LegId,
    /// Whether it belongs to whoever asks.
    pub is_theirs: bool,
    /// Whom it calls, if nobody has answered it yet.
    pub dialled: Option<Uri>,
}

/// What comes of a wish for a place.
#[derive(Debug)]
pub enum Verdict {
    /// This call is told this.
    Tell(CallId, Word),
    /// Whoever has asked hears this: there is no place yet, but somebody who is being called.
    Hear(CallInput),
}

impl Found {
    /// What is to be known of `leg`, which has the dialog, for the party that `asking` is the leg of.
    pub fn of(leg: &Leg, asking: &Leg) -> Self {
        let dialled = leg.dialled().cloned();
        Self { call: leg.call(), leg: leg.id(), is_theirs: leg.is_of_whom(asking), dialled }
    }

    /// What is done, so that `leg` of `call` takes the place that it asks for.
    ///
    /// # Errors
    /// Why that cannot be: what whoever has asked for it is told.
    pub fn verdict(
        found: Option<Self>,
        replaces: &Replaces,
        call: CallId,
        leg: LegId,
    ) -> Result<Verdict, StatusCode> {
        let Some(found) = found else { return Err(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST) };
        if !found.is_theirs {
            return Err(StatusCode::FORBIDDEN);
        }
        // An answered dialog is not what was asked for (RFC 3891 §3).
        if replaces.early_only && found.dialled.is_none() {
            return Err(StatusCode::BUSY_HERE);
        }
        if found.call == call {
            return Err(StatusCode::DECLINE);
        }
        let Self { call, leg: replaced, dialled, .. } = found;
        Ok(match dialled {
            Some(target) => Verdict::Hear(CallInput::Unanswered { leg, target, call, replaced }),
            None => Verdict::Tell(call, Word::Replace { leg, replaced }),
        })
    }
}

impl Word {
    /// What a call hears that has said this to one that is gone: that has no leg that anybody could talk with.
    pub fn unheard(self) -> Option<Self> {
        match self {
            Self::Joined { leg, with }
            | Self::Refer { leg, with, .. }
            | Self::Hand { leg, with, .. }
            | Self::Keys { leg, with, .. } => Some(Self::Gone { leg: with, with: leg }),
            Self::Replace { leg, .. } => Some(Self::Declined { with: leg, status: 481 }),
            Self::Yield { leg, .. } => Some(Self::Yielded { with: leg }),
            Self::Declined { .. } | Self::Referred { .. } | Self::Pressed { .. } => None,
            Self::Yielded { .. } | Self::Replaced { .. } | Self::Gone { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leg::Refer;
    use crate::sip::message::ReferTo;

    const LEG: LegId = LegId::from_bytes([1; 16]);
    const CALL: CallId = CallId(LEG);
    const THEIRS: LegId = LegId::from_bytes([2; 16]);
    /// A call that nobody has answered.
    const RINGING: CallId = CallId(LegId::from_bytes([3; 16]));

    #[test]
    fn a_place_is_taken_in_another_call_of_ones_own_alone() {
        let other = CallId(THEIRS);
        let taken = Ok("tell Replace".to_owned());
        let target: Uri = "sip:carol@h".parse().expect("an address");
        for (what, found, early_only, verdict) in [
            ("nobody has that dialog", None, false, Err(481)),
            ("one's own", Some((other, true)), false, taken),
            ("one's own that rings", Some((RINGING, true)), false, Ok("hear sip:carol@h".to_owned())),
            ("the same, and it shall ring", Some((RINGING, true)), true, Ok("hear sip:carol@h".to_owned())),
            ("somebody else's that rings", Some((RINGING, false)), true, Err(403)),
            ("somebody else's", Some((other, false)), false, Err(403)),
            ("an answered one, while it should ring", Some((other, true)), true, Err(486)),
            ("of a stranger's nothing is told but that", Some((other, false)), true, Err(403)),
            ("that of the same call", Some((CALL, true)), false, Err(603)),
        ] {
            let found = found.map(|(call, is_theirs)| {
                let dialled = (call == RINGING).then(|| target.clone());
                Found { call, leg: THEIRS, is_theirs, dialled }
            });
            let [call_id, to_tag, from_tag] = ["one", "ours", "theirs"].map(str::to_owned);
            let replaces = Replaces { call_id, to_tag, from_tag, early_only };
            let told = Found::verdict(found, &replaces, CALL, LEG).map_err(StatusCode::code);
            let told = told.map(|told| match told {
                Verdict::Tell(to, Word::Replace { leg: LEG, replaced: THEIRS }) if to == other => {
                    "tell Replace".to_owned()
                }
                Verdict::Hear(CallInput::Unanswered {
                    leg: LEG,
                    target,
                    call: RINGING,
                    replaced: THEIRS,
                }) => {
                    format!("hear {target}")
                }
                other => format!("{other:?}"),
            });
            assert_eq!(told, verdict, "{what}");
        }
    }

    #[test]
    fn a_word_to_a_call_that_is_gone_is_answered_in_its_place() {
        let (leg, with) = (LEG, THEIRS);
        let refer_to = ReferTo { target: "sip:carol@h".parse().expect("an address"), replaces: None };
        let refer = Box::new(Refer { refer_to, by: None, owner: None });
        for (word, answer) in [
            (Word::Joined { leg, with }, Some(Word::Gone { leg: with, with: leg })),
            (Word::Replace { leg, replaced: with }, Some(Word::Declined { with: leg, status: 481 })),
            (Word::Gone { leg, with }, None),
            (Word::Declined { with, status: 603 }, None),
            (Word::Refer { leg, with, number: 1, refer }, Some(Word::Gone { leg: with, with: leg })),
            (Word::Referred { with, number: 1, status: 200 }, None),
            (
                Word::Keys { leg, with, first: 0, keys: "1".to_owned() },
                Some(Word::Gone { leg: with, with: leg }),
            ),
            (Word::Pressed { leg, with, count: 1 }, None),
            (Word::Yield { leg, replaced: with }, Some(Word::Yielded { with: leg })),
            (Word::Yielded { with }, None),
            (Word::Hand { leg, with, call: CALL, heir: LEG }, Some(Word::Gone { leg: with, with: leg })),
            (Word::Replaced { leg, with }, None),
        ] {
            assert_eq!(word.unheard(), answer);
        }
    }
}
