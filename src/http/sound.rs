//! Part of a file as the body of a response, read piece by piece by the blocking pool. Edge.
//! It must never hold more of a file in memory than one piece.

use std::fs::File;
use std::future::Future as _;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes of a piece.
const PIECE: u64 = 64 * 1024;

/// Bytes of a file that are still to be sent.
pub(super) struct Sound {
    file: Arc<File>,
    left: Range<u64>,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Sound {
    pub(super) fn new(file: File, bytes: Range<u64>) -> Self {
        Self { file: Arc::new(file), left: bytes, reading: None }
    }
}

impl MessageBody for Sound {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left.end - self.left.start)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let (file, left) = (Arc::clone(&self.file), self.left.clone());
        let reading = self.reading.get_or_insert_with(|| spawn_blocking(move || read(&file, left)));
        let read = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        let piece = read.map_err(io::Error::other).and_then(|read| read);
        if let Ok(piece) = &piece {
            self.left.start += piece.len() as u64;
        }
        Poll::Ready(Some(piece))
    }
}

/// The first piece of these bytes.
fn read(file: &File, bytes: Range<u64>) -> io::Result<Bytes> {
    let length = PIECE.min(bytes.end - bytes.start);
    let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, bytes.start)?;
    Ok(piece.into())
}
