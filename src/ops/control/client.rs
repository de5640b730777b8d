//! The asking side of the control socket: one question, one answer, within a deadline.
//! It must never wait longer than that, whatever the switch does.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use trunkline_media::moment::Moment;

use super::{Answer, ControlError, LOCK, Question, SOCKET};
use crate::supervision::clock::{Clock, SystemClock};

/// How long one waits for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer: a trace of a long call is the largest.
const LONGEST_ANSWER: u64 = 64 << 20;

/// Asks the switch that runs with this data folder. Blocks for 10 s at most.
///
/// # Errors
/// Nobody listens, or answers in time, or the switch says that it cannot be done.
pub fn ask(data_folder: &Path, question: &Question) -> Result<Answer, ControlError> {
    ask_within(data_folder, question, PATIENCE)
}

/// Asks for everything that happens from now on, and hands each answer to `each` until it says no, or the switch has
/// nothing more to tell. Blocks for as long as that takes.
///
/// # Errors
/// Nobody listens, or the switch ends meanwhile, or says that it cannot be done.
pub fn follow(
    data_folder: &Path,
    question: &Question,
    mut each: impl FnMut(Answer) -> bool,
) -> Result<(), ControlError> {
    let stream = reach(data_folder, PATIENCE)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    (&stream).write_all(&line(question)?)?;
    let mut reader = BufReader::new(&stream);
    loop {
        let mut answer = Vec::new();
        reader.by_ref().take(LONGEST_ANSWER).read_until(b'\n', &mut answer)?;
        if answer.last() != Some(&b'\n') {
            return Err(ControlError::HungUp(data_folder.to_path_buf()));
        }
        let answer = understood(&answer)?;
        let is_last = matches!(answer, Answer::Done);
        if !each(answer) || is_last {
            return Ok(());
        }
    }
}

/// Whether a switch runs with this data folder.
pub fn is_running(data_folder: &Path) -> bool {
    !matches!(reach(data_folder, PATIENCE), Err(ControlError::NotRunning(_)))
}

fn line(question: &Question) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(question)?;
    line.push(b'\n');
    Ok(line)
}

fn understood(answer: &[u8]) -> Result<Answer, ControlError> {
    match serde_json::from_slice(answer) {
        Ok(Answer::Error { message }) => Err(ControlError::Refused(message)),
        Ok(answer) => Ok(answer),
        Err(error) => Err(ControlError::Unintelligible(error.to_string())),
    }
}

pub(super) fn ask_within(
    data_folder: &Path,
    question: &Question,
    patience: Duration,
) -> Result<Answer, ControlError> {
    let deadline = SystemClock.now() + patience;
    let late = |error: io::Error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            ControlError::Deadline(data_folder.to_path_buf(), patience)
        }
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => {
            ControlError::HungUp(data_folder.to_path_buf())
        }
        _ => error.into(),
    };
    let stream = reach(data_folder, patience)?;
    stream.set_write_timeout(Some(patience))?;
    (&stream).write_all(&line(question)?).map_err(late)?;
    let mut answer = Vec::new();
    let reader = Punctual { stream: &stream, deadline };
    BufReader::new(reader).take(LONGEST_ANSWER).read_until(b'\n', &mut answer).map_err(late)?;
    if answer.last() != Some(&b'\n') {
        return Err(ControlError::HungUp(data_folder.to_path_buf()));
    }
    understood(&answer)
}

/// Connects to the switch of this folder.
fn reach(data_folder: &Path, patience: Duration) -> Result<UnixStream, ControlError> {
    connect(data_folder, patience).map_err(|error| match error {
        ControlError::NotRunning(folder) if is_held(&folder) => ControlError::Unreachable(folder),
        error => error,
    })
}

/// Whether a process holds the lock of a running switch. The kernel's list is looked at: to try the lock would keep out
/// a switch that starts at this moment.
fn is_held(data_folder: &Path) -> bool {
    let (Ok(lock), Ok(held)) = (fs::metadata(data_folder.join(LOCK)), fs::read_to_string("/proc/locks"))
    else {
        return false;
    };
    let inode = format!(":{}", lock.ino());
    held.lines()
        .any(|line| line.contains(" FLOCK ") && line.split_whitespace().any(|word| word.ends_with(&inode)))
}

/// Connects to whoever listens in this folder.
pub(super) fn connect(data_folder: &Path, patience: Duration) -> Result<UnixStream, ControlError> {
    let path = data_folder.join(SOCKET);
    let address = SockAddr::unix(&path).map_err(|_| ControlError::LongPath(path))?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // A connect waits while the listener's queue is full; the time limit for writing holds for that, too.
    socket.set_write_timeout(Some(patience))?;
    let folder = || data_folder.to_path_buf();
    socket.connect(&address).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::NotADirectory => {
            ControlError::NotRunning(folder())
        }
        ErrorKind::PermissionDenied => ControlError::Forbidden(folder()),
        ErrorKind::WouldBlock => ControlError::Deadline(folder(), patience),
        _ => error.into(),
    })?;
    Ok(OwnedFd::from(socket).into())
}

/// Reads until a deadline, however slowly the bytes drip.
struct Punctual<'a> {
    stream: &'a UnixStream,
    deadline: Moment,
}

impl Read for Punctual<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.since(SystemClock.now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
