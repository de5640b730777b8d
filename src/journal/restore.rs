//! Reading a stream back: the newest whole checkpoint, and the segments that follow it without a gap.
//! It must never change the folder, nor hold more of a file in memory than one frame.

use std::fs::OpenOptions;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc;

use super::OpenError;
use super::folder::{Claim, Name, Part};
use super::frame::{Damage, Entry, HEADER, Header, MAJOR};
use super::image::{Checkpoint, Finding, Fold, Place, Segment};

/// What is on disk.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub fold: Fold,
    pub findings: Vec<Finding>,
    /// The first number that no file has.
    pub next: u32,
    /// Bytes of all files but the drafts.
    pub bytes: u64,
    /// Checkpoints that nobody finished.
    pub drafts: Vec<Name>,
}

/// Reads all that can be believed of a stream.
pub(super) fn restore(claim: &Claim) -> Result<Restored, OpenError> {
    let folder = claim.folder().path();
    let mut names = claim
        .folder()
        .files(claim.stream())
        .map_err(|source| OpenError::Read { path: folder.to_owned(), source })?;
    names.sort_unstable();
    let mut restored = Restored {
        next: names.last().map_or(1, |last| last.number.saturating_add(1)),
        ..Restored::default()
    };
    let (drafts, names): (Vec<Name>, Vec<Name>) =
        names.into_iter().partition(|name| name.part == Part::Draft);
    restored.drafts = drafts;
    for &name in &names {
        restored.bytes += std::fs::metadata(claim.file(name)).map_or(0, |metadata| metadata.len());
    }
    let of = |wanted: Part| names.iter().filter(move |name| name.part == wanted).map(|name| name.number);
    let mut base = 0;
    for number in of(Part::Checkpoint).collect::<Vec<_>>().into_iter().rev() {
        if let Some(fold) = checkpoint(claim, number, &mut restored.findings)? {
            (restored.fold, base) = (fold, number);
            break;
        }
    }
    let segments: Vec<u32> = of(Part::Segment).filter(|&number| number >= base).collect();
    if base > 0 && segments.first() != Some(&base) {
        let file = claim.file(Name::new(base, Part::Segment));
        restored.findings.push(Finding { file, offset: 0, damage: Damage::Missing, lost: 0 });
    }
    for number in segments {
        segment(claim, number, &mut restored)?;
    }
    for number in of(Part::Hole).filter(|&number| number >= base) {
        let file = claim.file(Name::new(number, Part::Hole));
        restored.findings.push(Finding { file, offset: 0, damage: Damage::Hole, lost: 0 });
    }
    Ok(restored)
}

fn checkpoint(claim: &Claim, number: u32, findings: &mut Vec<Finding>) -> Result<Option<Fold>, OpenError> {
    let path = claim.file(Name::new(number, Part::Checkpoint));
    let mut reading = Checkpoint::new(Place { stream: claim.stream(), number });
    let mut found = frames(&path, |sequence, entry| reading.take(sequence, entry))?;
    if found.is_none() {
        let whole = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        match reading.finish() {
            Ok(fold) => return Ok(Some(fold)),
            Err(damage) => found = Some(Finding { file: path, offset: whole, damage, lost: 0 }),
        }
    }
    findings.extend(found.map(|found| match found.damage {
        // It got its name after its last byte: this is no death in the middle of a write.
        Damage::Torn => Finding { damage: Damage::Incomplete, ..found },
        _ => found,
    }));
    Ok(None)
}

fn segment(claim: &Claim, number: u32, restored: &mut Restored) -> Result<(), OpenError> {
    let path = claim.file(Name::new(number, Part::Segment));
    let mut reading = Segment::new(Place { stream: claim.stream(), number }, &mut restored.fold);
    let found = frames(&path, |sequence, entry| reading.take(sequence, &entry))?;
    restored.findings.extend(found);
    Ok(())
}

/// Gives the frames of a file to `take` until one is damaged or refused; says where and why.
/// Only a later format is an error: such a file is sound, and must not be written over.
fn frames(
    path: &Path,
    take: impl FnMut(u64, Entry) -> Result<(), Damage>,
) -> Result<Option<Finding>, OpenError> {
    let unreadable = |error: &io::Error| Finding {
        file: path.to_owned(),
        offset: 0,
        damage: Damage::Unreadable(error.to_string()),
        lost: 0,
    };
    // Without O_NONBLOCK a pipe of that name would wait for a writer.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let opened = opened.and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    let (file, size) = match opened {
        Ok((file, metadata)) if metadata.is_file() => (file, metadata.len()),
        Ok(_) => return Ok(Some(unreadable(&io::Error::other("it is no ordinary file")))),
        Err(error) => return Ok(Some(unreadable(&error))),
    };
    match walk(&mut BufReader::with_capacity(1 << 16, file), size, take) {
        Ok(()) => Ok(None),
        Err((0, Damage::Newer { found })) => {
            Err(OpenError::Newer { file: path.to_owned(), found, known: MAJOR })
        }
        Err((offset, damage)) => {
            Ok(Some(Finding { file: path.to_owned(), offset, damage, lost: size.saturating_sub(offset) }))
        }
    }
}

fn walk(
    input: &mut impl Read,
    size: u64,
    mut take: impl FnMut(u64, Entry) -> Result<(), Damage>,
) -> Result<(), (u64, Damage)> {
    let mut offset = 0;
    let mut body = Vec::new();
    while offset < size {
        let damaged = |damage| (offset, damage);
        let left = size - offset;
        let Some(left) = left.checked_sub(HEADER as u64) else { return Err((offset, Damage::Torn)) };
        let mut header = [0; HEADER];
        input.read_exact(&mut header).map_err(|error| damaged(unread(&error)))?;
        let header = Header::read(&header).map_err(damaged)?;
        let length = u64::from(header.length);
        if length > left {
            return Err((offset, Damage::Torn));
        }
        body.clear();
        input.by_ref().take(length).read_to_end(&mut body).map_err(|error| damaged(unread(&error)))?;
        if body.len() as u64 != length {
            return Err((offset, Damage::Torn));
        }
        let entry = header.open(&body).map_err(damaged)?;
        take(header.sequence, entry).map_err(damaged)?;
        offset += HEADER as u64 + length;
    }
    Ok(())
}

fn unread(error: &io::Error) -> Damage {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::Torn,
        _ => Damage::Unreadable(error.to_string()),
    }
}
