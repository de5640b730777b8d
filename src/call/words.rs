//! What a call hears and says: reports of its legs, wishes of its scripts, orders, and wishes to the world outside.
//! It must never decide anything: these are words.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::foreign::Word;
use super::profile::Profile;
use super::script::{Hook, Told, Wanted};
use crate::callbacks::Callback;
use crate::ids::{CallId, LegId, RecordingSid};
use crate::leg::{Order, Report};
use crate::ops::events::Cause;
use crate::recorded::{Finished, RecordingError};
use crate::sip::message::{Replaces, Uri};
use crate::twiml::verb::{Method, Noun};

/// What may happen to a call.
#[derive(Debug)]
pub enum CallInput {
    /// One of its legs tells something.
    Leg(LegId, Report),
    /// The script that runs for a leg wants something.
    Script(LegId, Wanted),
    /// A leg that it wanted could not even begin.
    Refused(LegId, Cause),
    /// Behind the number of a leg that it wanted is a script, and no telephone.
    Scripted {
        /// Which leg.
        leg: LegId,
        /// The script.
        hook: Hook,
        /// What is asked when that fails.
        fallback: Option<Hook>,
    },
    /// A recording can be fetched from now on, or cannot.
    Finished {
        /// Which.
        recording: RecordingSid,
        /// How long it is.
        result: Result<Finished, RecordingError>,
    },
    /// Another call says something.
    Word(CallId, Word),
    /// The dialog that this leg should take the place in cannot be had.
    Unreplaceable {
        /// Which leg.
        leg: LegId,
        /// Why.
        status: u16,
    },
    /// The dialog that this leg should take the place in is not answered yet.
    Unanswered {
        /// Which leg.
        leg: LegId,
        /// Who is being called there.
        target: Uri,
        /// By which call.
        call: CallId,
        /// For which of its legs.
        replaced: LegId,
    },
    /// Whoever runs the switch ends the call.
    End(Cause),
}

/// What a call writes to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum CallPost {
    /// To one of its legs.
    Leg(Order),
    /// To one of its scripts.
    Script(Told),
    /// To its outbox.
    Callback(Box<Callback>),
}

/// A leg that the call wants to exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialled {
    /// The name it shall have: asking twice makes one leg.
    pub leg: LegId,
    /// Whose call it joins.
    pub parent: LegId,
    /// Whom to call.
    pub noun: Noun,
    /// Who is shown as the caller.
    pub caller: CallerId,
    /// Secret randomness for its names.
    pub seed: [u8; 16],
    /// What is left of Max-Forwards.
    pub max_forwards: u8,
    /// Who has asked for it, where it was no script.
    #[serde(default)]
    pub referrer: Option<Referrer>,
}

/// A party that refers another one to somebody: nobody is called for it whom it could not call itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Referrer {
    /// A user of ours.
    User(String),
    /// Anybody else.
    Stranger,
}

/// Who calls, as it is shown to the callee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// The name.
    pub display: Option<String>,
    /// The number or user.
    pub user: String,
    /// Whether the caller wants to stay unknown (RFC 3323): only trusted far ends are told.
    #[serde(default)]
    pub privacy: bool,
}

/// A script that shall ask a callee before it is joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screening {
    /// Whom: asking twice makes one script.
    pub leg: LegId,
    /// Whose call.
    pub call: CallId,
    /// Where its document is.
    pub hook: Hook,
    /// Who calls whom.
    pub profile: Arc<Profile>,
    /// Secret randomness for its names.
    pub seed: [u8; 16],
}

/// Who is told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// An absolute URL.
    pub url: String,
    /// How.
    #[serde(default)]
    pub method: Method,
}

/// What a call wants of the world outside.
#[derive(Debug)]
pub enum CallEffect {
    /// This leg shall exist.
    Dial(Box<Dialled>),
    /// This script shall exist.
    Screen(Box<Screening>),
    /// This recording shall be brought to its end, so that it can be fetched.
    Finish {
        /// Which.
        recording: RecordingSid,
        /// Silence at both ends is cut off.
        trim: bool,
    },
    /// This leg shall take the place of the one with this dialog, which has to be that of whoever asks.
    Replace {
        /// Who asks: a leg of this call.
        by: LegId,
        /// Who takes the place: a leg of this call.
        leg: LegId,
        /// Whose.
        replaces: Box<Replaces>,
    },
    /// Another call shall be told this.
    Tell {
        /// Which.
        to: CallId,
        /// What.
        word: Word,
    },
    /// A leg of this call and one of another call shall be able to hear each other.
    Together {
        /// Ours.
        leg: LegId,
        /// The other call.
        call: CallId,
        /// Its leg.
        other: LegId,
    },
    /// The outbox of this call shall exist: there are callbacks to be posted.
    OpenOutbox,
}

/// What a call is made from.
#[derive(Clone, Debug)]
pub struct CallSpec {
    /// The caller's leg; it names the call.
    pub parent: LegId,
    /// Who calls whom, as webhooks are told.
    pub profile: Arc<Profile>,
    /// Who is told when the call is over.
    pub notify: Option<Notify>,
    /// Where recordings are fetched from: a SID follows.
    pub recordings: Arc<str>,
    /// Who calls.
    pub caller: CallerId,
    /// What is left of the caller's Max-Forwards, already lowered.
    pub max_forwards: u8,
    /// The longest that it may last, from its answer on.
    pub longest: Duration,
    /// How long a callee who has answered may be asked, and be sent keys, before it is joined.
    pub screening: Duration,
    /// Secret randomness for names.
    pub seed: [u8; 16],
}
