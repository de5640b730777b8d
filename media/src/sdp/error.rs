//! Why a description or an exchange is refused.
//! Must never carry text of the peer: errors are logged and counted.

use thiserror::Error;

/// A body that is no usable session description.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum SdpError {
    /// The body is larger than a description may be.
    #[error("a description of {0} bytes is too long")]
    TooLong(usize),
    /// More m-lines than are looked at.
    #[error("a description of {0} streams is too long")]
    TooManyStreams(usize),
    /// More formats on one m-line than are looked at.
    #[error("a stream with {0} formats is too long")]
    TooManyFormats(usize),
    /// The text is not a session description, even after mending.
    #[error("not a session description")]
    Syntax(#[from] sdp_types::ParserError),
    /// An answer must have exactly the m-lines of its offer (RFC 3264 §6).
    #[error("{answered} streams in the answer to an offer of {offered}")]
    StreamCount {
        /// Number of m-lines that were offered.
        offered: usize,
        /// Number of m-lines in the answer.
        answered: usize,
    },
}

/// What keeps two parties from talking although both descriptions are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Obstacle {
    /// There is no audio stream.
    #[error("no audio stream")]
    NoAudio,
    /// The audio stream has port 0.
    #[error("the audio stream is declined")]
    Declined,
    /// The transport is none of ours, such as SRTP where only plain RTP is spoken.
    #[error("the transport is not plain RTP")]
    Transport,
    /// No address, a host name, or one that is not a single host's.
    #[error("no usable media address")]
    Address,
    /// The peer's address is of the other IP version.
    #[error("the media address is of the other IP version")]
    AddressFamily,
    /// No codec in common.
    #[error("no codec in common")]
    Codec,
    /// A new offer has fewer m-lines than the session (RFC 3264 §8).
    #[error("the offer drops streams of the session")]
    StreamsDropped,
}

/// Why an offer or answer was refused; the negotiation is as it was before.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum NegotiationError {
    /// Our own offer waits for its answer: in SIP, 491.
    #[error("an offer of ours is pending")]
    OfferPending,
    /// Nothing that both sides can do: in SIP, 488.
    #[error("not acceptable: {0}")]
    NotAcceptable(#[from] Obstacle),
    /// The description is broken: in SIP, 400.
    #[error("malformed description")]
    Malformed(#[from] SdpError),
    /// An answer came although the last offer was not ours.
    #[error("there is no offer to answer")]
    NoOffer,
    /// The capabilities hold no codec.
    #[error("no codec to offer")]
    NothingToOffer,
}
