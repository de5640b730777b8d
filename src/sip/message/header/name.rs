//! Names of header fields with their compact forms (RFC 3261 §7.3.3 and the IANA registry).
//! They must never be told apart by case or by the form that was sent.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::sip::message::grammar::{self, SyntaxError, serde_as_text, wanted};

macro_rules! header_names {
    ($($variant:ident $name:literal $($compact:literal)?),+ $(,)?) => {
        /// The name of a header field: an open set, compared without regard to case.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "the variants are the headers' own names")]
        pub enum HeaderName {
            $($variant,)+
            /// Any other token, as it was written.
            Other(Box<str>),
        }

        impl HeaderName {
            /// The name in its long form, as registered.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            fn known(text: &str) -> Option<Self> {
                if let [letter] = text.as_bytes() {
                    return match letter.to_ascii_lowercase() {
                        $($($compact => Some(Self::$variant),)?)+
                        _ => None,
                    };
                }
                $(if text.eq_ignore_ascii_case($name) {
                    return Some(Self::$variant);
                })+
                None
            }
        }
    };
}

header_names! {
    Via "Via" b'v',
    From "From" b'f',
    To "To" b't',
    CallId "Call-ID" b'i',
    CSeq "CSeq",
    Contact "Contact" b'm',
    MaxForwards "Max-Forwards",
    Route "Route",
    RecordRoute "Record-Route",
    ContentType "Content-Type" b'c',
    ContentLength "Content-Length" b'l',
    UserAgent "User-Agent",
    Allow "Allow",
    Supported "Supported" b'k',
    Expires "Expires",
    Authorization "Authorization",
    ProxyAuthorization "Proxy-Authorization",
    WwwAuthenticate "WWW-Authenticate",
    ProxyAuthenticate "Proxy-Authenticate",
    AuthenticationInfo "Authentication-Info",
    Require "Require",
    ProxyRequire "Proxy-Require",
    Unsupported "Unsupported",
    Accept "Accept",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AcceptContact "Accept-Contact" b'a',
    AlertInfo "Alert-Info",
    AllowEvents "Allow-Events" b'u',
    CallInfo "Call-Info",
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding" b'e',
    ContentLanguage "Content-Language",
    Date "Date",
    Diversion "Diversion",
    ErrorInfo "Error-Info",
    Event "Event" b'o',
    HistoryInfo "History-Info",
    Identity "Identity" b'y',
    InReplyTo "In-Reply-To",
    InfoPackage "Info-Package",
    Join "Join",
    MaxBreadth "Max-Breadth",
    MimeVersion "MIME-Version",
    MinExpires "Min-Expires",
    MinSe "Min-SE",
    Organization "Organization",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Path "Path",
    Priority "Priority",
    Privacy "Privacy",
    RAck "RAck",
    RSeq "RSeq",
    Reason "Reason",
    RecvInfo "Recv-Info",
    ReferSub "Refer-Sub",
    ReferTo "Refer-To" b'r',
    ReferredBy "Referred-By" b'b',
    RejectContact "Reject-Contact" b'j',
    RemotePartyId "Remote-Party-ID",
    Replaces "Replaces",
    ReplyTo "Reply-To",
    RequestDisposition "Request-Disposition" b'd',
    RetryAfter "Retry-After",
    Server "Server",
    ServiceRoute "Service-Route",
    SessionExpires "Session-Expires" b'x',
    SessionId "Session-ID",
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    Subject "Subject" b's',
    SubscriptionState "Subscription-State",
    Timestamp "Timestamp",
    UserToUser "User-to-User",
    Warning "Warning",
}

impl HeaderName {
    pub(in crate::sip::message) fn from_token(token: &str) -> Self {
        Self::known(token).unwrap_or_else(|| Self::Other(token.into()))
    }
}

/// `Other("via")` does not arise from reading, but may be written by hand; it is the same name as `Via`.
impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Other(_), _) | (_, Self::Other(_)) => self.as_str().eq_ignore_ascii_case(other.as_str()),
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }
}

impl Eq for HeaderName {}

impl Hash for HeaderName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
    }
}

impl FromStr for HeaderName {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if grammar::is_token_text(text) { Ok(Self::from_token(text)) } else { wanted("a header name") }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(HeaderName);
