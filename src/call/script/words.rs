//! What a running script hears and says: wishes to its call and to the world outside, and how they went.
//! It must never decide anything: these are words.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Hook;
use crate::call::sound::{Sound, SoundError};
use crate::callbacks::Callback;
use crate::ids::{LegId, RecordingSid};
use crate::leg::Facts;
use crate::recorded::{Finished, RecordingError};
use crate::twiml::document::Context;
use crate::twiml::script::DialStatus;
use crate::twiml::verb::Dial;
use crate::webhook::WebhookError;
use crate::webhook::document::{Fetch, Fetched};

/// What a script wants of its call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wanted {
    /// The caller shall hear that it rings: the script does not know yet what to do.
    Ring,
    /// The leg shall hear this prompt.
    Prompt {
        /// Names the step.
        activity: u64,
        /// The key of the audio.
        asset: String,
        /// How often.
        loops: u32,
    },
    /// The leg shall hear nothing any more.
    Hush,
    /// These keys shall be sent to the leg.
    Keys {
        /// Names the step.
        activity: u64,
        /// `0-9 A-D # * w W`.
        keys: String,
    },
    /// The leg shall hear itself, until the end.
    Echo,
    /// What the leg says shall be recorded.
    Tape {
        /// Names the step.
        activity: u64,
        /// The recording.
        recording: RecordingSid,
        /// Silence that ends it.
        silence: Option<Duration>,
        /// The longest that it may last.
        limit: Duration,
    },
    /// The recording shall end.
    Untape,
    /// These callees shall be called and joined.
    Dial {
        /// Names the step.
        activity: u64,
        /// Whom, and how; its references are absolute.
        dial: Box<Dial>,
    },
    /// The leg shall be joined: whom it asks has agreed.
    Bridge,
    /// The caller shall be refused.
    Reject {
        /// As busy.
        busy: bool,
    },
    /// The leg shall end.
    Hangup,
    /// The leg is gone, and everything is told that was to be told of it.
    Over,
    /// Somebody shall be told.
    Callback(Box<Callback>),
}

impl Wanted {
    /// What kind of wish it is, for the log: what it says may be a password or somebody's number.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Prompt { .. } => "prompt",
            Self::Hush => "hush",
            Self::Keys { .. } => "keys",
            Self::Echo => "echo",
            Self::Tape { .. } => "tape",
            Self::Untape => "untape",
            Self::Dial { .. } => "dial",
            Self::Bridge => "bridge",
            Self::Reject { .. } => "reject",
            Self::Hangup => "hangup",
            Self::Over => "over",
            Self::Callback(_) => "callback",
        }
    }
}

/// What a call tells its script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// A step ran to its end.
    Done {
        /// The step.
        activity: u64,
    },
    /// A Dial is over.
    DialEnded {
        /// The step.
        activity: u64,
        /// What became of it.
        result: Box<DialResult>,
    },
    /// Whoever the leg was joined with has transferred it to where this document is.
    Redirected(Box<Redirection>),
    /// A key was pressed.
    Digit(char),
    /// The recording of this step is over.
    Taped {
        /// The step.
        activity: u64,
        /// Whether anything was heard.
        voiced: bool,
    },
    /// The leg is gone. What a script was asked to tell of it is still to be told.
    Gone {
        /// The end of the Dial that is under way follows.
        dial_ends: bool,
        /// The call waits for [`Wanted::Over`].
        #[serde(default)]
        waits: bool,
    },
}

/// Where a script goes on whose leg was transferred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// Its next document.
    pub hook: Hook,
    /// What is asked when that fails.
    pub fallback: Option<Hook>,
    /// The address to which the leg was referred.
    pub target: String,
}

/// What became of a Dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialResult {
    /// `DialCallStatus`.
    pub status: DialStatus,
    /// The leg of the callee who answered, or else of the last who was tried.
    #[serde(default)]
    pub leg: Option<LegId>,
    /// Seconds that the parties talked.
    #[serde(default)]
    pub duration: u32,
    /// Whether they talked at all.
    #[serde(default)]
    pub bridged: bool,
    /// What the callee's signalling said; only of a SIP address.
    #[serde(default)]
    pub facts: Option<Facts>,
    /// What was recorded of it, and how many seconds.
    #[serde(default)]
    pub recording: Option<(RecordingSid, u32)>,
}

/// What may happen to a running script.
#[derive(Debug)]
pub enum ScriptInput {
    /// Begin.
    Start,
    /// From the call.
    Told(Told),
    /// A sound that it asked for is there, by its key; or cannot be had, and why.
    Prepared(u64, Result<String, SoundError>),
    /// A document that it asked for is there, or cannot be had.
    Fetched {
        /// Names the request.
        number: u64,
        /// The document.
        result: Result<Box<Fetched>, WebhookError>,
    },
    /// A recording can be fetched from now on, or cannot.
    Finished {
        /// Which.
        recording: RecordingSid,
        /// How long it is.
        result: Result<Finished, RecordingError>,
    },
}

/// What a running script wants of the world outside.
#[derive(Debug)]
pub enum ScriptEffect {
    /// Make this sound available and tell its key.
    Prepare {
        /// Names the step.
        activity: u64,
        /// Which sound.
        sound: Sound,
    },
    /// Fetch this document.
    Fetch(Box<Fetch>),
    /// Read this document of the dialplan.
    Open {
        /// Names the request.
        number: u64,
        /// Its path there.
        file: String,
        /// What to read where there is no such file.
        otherwise: Option<String>,
        /// Where it will run.
        context: Context,
    },
    /// Bring this recording to its end, so that it can be fetched.
    Finish {
        /// Which.
        recording: RecordingSid,
        /// Silence at both ends is cut off.
        trim: bool,
    },
}
