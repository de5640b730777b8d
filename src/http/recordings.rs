//! The sound of recordings: `/2010-04-01/Accounts/{AccountSid}/Recordings/{RecordingSid}`, with or without `.wav`.
//! It must never make a path of what it is asked for: names are parsed to Sids.

use std::fs::Metadata;
use std::io;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::error::Failure;
use super::range::{Wanted, wanted};
use super::sound::Sound;
use super::{Desk, readable};
use crate::ids::RecordingSid;

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.service(readable("/2010-04-01/Accounts/{account}/Recordings/{recording}", show));
}

async fn show(
    desk: web::Data<Desk>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Failure> {
    if !desk.public_recordings {
        desk.authenticate(&request)?;
    }
    let (account, name) = path.into_inner();
    let not_found = || Failure::NotFound(request.path().to_owned());
    if account != desk.shown.credentials().account_sid {
        return Err(not_found());
    }
    let (name, suffix) = name.split_once('.').unwrap_or((&name, "wav"));
    let sid: RecordingSid = name.parse().map_err(|_| not_found())?;
    match suffix {
        "wav" => {}
        "mp3" => return Err(Failure::NotSupported("MP3 is not supported by this switch: ask for .wav")),
        "json" | "xml" => {
            return Err(Failure::NotSupported("Only the sound of a recording can be had here: ask for .wav"));
        }
        _ => return Err(not_found()),
    }
    let shown = desk.shown.clone();
    let opened = web::block(move || {
        let Some(file) = shown.recording(sid)? else { return Ok(None) };
        let metadata = file.metadata()?;
        Ok::<_, io::Error>(Some((file, metadata)))
    });
    let opened = opened.await.map_err(io::Error::other).and_then(|read| read);
    let (file, metadata) = opened
        .map_err(|error| {
            tracing::error!(%sid, %error, "a recording cannot be read");
            Failure::Internal
        })?
        .ok_or_else(not_found)?;
    Ok(respond(&request, sid, &metadata, |bytes| Sound::new(file, bytes)))
}

/// The response for a file: all of it, a part, or the news that the asker has it already.
fn respond(
    request: &HttpRequest,
    sid: RecordingSid,
    metadata: &Metadata,
    sound: impl FnOnce(std::ops::Range<u64>) -> Sound,
) -> HttpResponse {
    // A finished recording never changes.
    let tag = format!("\"{sid}\"");
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let length = metadata.len();
    let mut response = HttpResponse::Ok();
    response.insert_header((header::ACCEPT_RANGES, "bytes")).insert_header((header::ETAG, tag.as_str()));
    response.insert_header((header::CACHE_CONTROL, "private"));
    if let Ok(modified) = metadata.modified() {
        response.insert_header(header::LastModified(modified.into()));
    }
    let knows = header(header::IF_NONE_MATCH).unwrap_or_default();
    if knows.split(',').any(|known| known.trim().trim_start_matches("W/") == tag) {
        return response.status(StatusCode::NOT_MODIFIED).finish();
    }
    // Of another file than the asker has a part of, all is wanted.
    let is_same = header(header::IF_RANGE).is_none_or(|wanted| wanted == tag);
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("audio/x-wav")));
    match wanted(header(header::RANGE).filter(|_| is_same), length) {
        Wanted::All => response.body(sound(0..length)),
        Wanted::Part(bytes) => {
            let range = format!("bytes {}-{}/{length}", bytes.start, bytes.end - 1);
            response.status(StatusCode::PARTIAL_CONTENT).insert_header((header::CONTENT_RANGE, range));
            response.body(sound(bytes))
        }
        Wanted::Unsatisfiable => {
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
            response.status(StatusCode::RANGE_NOT_SATISFIABLE).finish()
        }
    }
}
