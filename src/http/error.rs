//! Failures as Twilio's clients read them: `code`, `message`, `more_info`, `status`.
//! It must never tell more than the asker knew already.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;

/// What a password is asked for.
const REALM: &str = "Basic realm=\"Trunkline\", charset=\"UTF-8\"";

/// Why a request is not answered with what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Neither AccountSid and AuthToken nor a good guess.
    #[error(
        "Authenticate: HTTP Basic with AccountSid and AuthToken, as `trunkline credentials` shows them. With \
         http.public_recordings = true recordings need no password"
    )]
    Authenticate,
    /// There is nothing at this path.
    #[error("The requested resource {0} was not found")]
    NotFound(String),
    /// There might be, but not of this kind.
    #[error("{0}")]
    NotSupported(&'static str),
    /// Not with this method.
    #[error("Method not allowed: this resource can only be read")]
    MethodNotAllowed,
    /// The disk says no.
    #[error("Internal server error")]
    Internal,
}

/// The body of a failure.
#[derive(Serialize)]
struct Body {
    code: u32,
    message: String,
    more_info: String,
    status: u16,
}

impl Failure {
    /// Answers whatever has no other answer.
    pub(super) async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, Failure> {
        Err(Failure::NotFound(request.path().to_owned()))
    }

    /// Answers methods that a resource does not have.
    pub(super) async fn not_allowed() -> Result<HttpResponse, Failure> {
        Err(Failure::MethodNotAllowed)
    }

    const fn code(&self) -> u32 {
        match self {
            Failure::Authenticate => 20003,
            Failure::NotFound(_) | Failure::NotSupported(_) => 20404,
            Failure::MethodNotAllowed => 20004,
            Failure::Internal => 20500,
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Failure::Authenticate => StatusCode::UNAUTHORIZED,
            Failure::NotFound(_) | Failure::NotSupported(_) => StatusCode::NOT_FOUND,
            Failure::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Failure::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let (code, status) = (self.code(), self.status_code());
        let mut response = HttpResponse::build(status);
        match self {
            Failure::Authenticate => {
                response.insert_header((header::WWW_AUTHENTICATE, REALM));
            }
            Failure::MethodNotAllowed => {
                response.insert_header(header::Allow(vec![Method::GET, Method::HEAD]));
            }
            _ => {}
        }
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        response.json(Body { code, message: self.to_string(), more_info, status: status.as_u16() })
    }
}
