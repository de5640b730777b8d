//! Conversions for those who speak the types of `rsip`.
//! The wire must never pass through here: `rsip` refuses much that is valid.

use bytes::Bytes;

use super::{Limits, Message, Method, StatusCode, Transport};

/// `rsip`, or this layer, cannot express the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not expressible: {0}")]
pub struct InteropError(String);

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = InteropError;

    fn try_from(message: &Message) -> Result<Self, InteropError> {
        let bytes = message.to_bytes();
        rsip::SipMessage::try_from(bytes.as_ref()).map_err(|error| InteropError(error.to_string()))
    }
}

impl TryFrom<rsip::SipMessage> for Message {
    type Error = InteropError;

    fn try_from(message: rsip::SipMessage) -> Result<Self, InteropError> {
        let bytes = Bytes::from(Vec::<u8>::from(message));
        Message::parse(bytes, &Limits::default()).map_err(|error| InteropError(error.to_string()))
    }
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        Self::from_token(&method.to_string())
    }
}

impl TryFrom<&Method> for rsip::Method {
    type Error = InteropError;

    fn try_from(method: &Method) -> Result<Self, InteropError> {
        method.as_str().parse().map_err(|_| InteropError(method.to_string()))
    }
}

impl TryFrom<rsip::StatusCode> for StatusCode {
    type Error = InteropError;

    fn try_from(status: rsip::StatusCode) -> Result<Self, InteropError> {
        let code = status.code();
        StatusCode::new(code).ok_or_else(|| InteropError(code.to_string()))
    }
}

impl From<StatusCode> for rsip::StatusCode {
    fn from(status: StatusCode) -> Self {
        status.code().into()
    }
}

impl TryFrom<rsip::Transport> for Transport {
    type Error = InteropError;

    fn try_from(transport: rsip::Transport) -> Result<Self, InteropError> {
        transport.to_string().parse().map_err(|_| InteropError(transport.to_string()))
    }
}
