//! The answering side of the control socket: who may open it, how much may be asked at a time.
//! It must never answer by itself: it reads questions and hands them on.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::client::connect;
use super::{Answer, ControlError, LOCK, Question, SOCKET};

/// Where the socket stands until nobody else can open it. A short name: the path must fit into an address.
const BIRTHPLACE: &str = ".ctl";
/// Bytes of a question, its line feed included.
const LONGEST_QUESTION: u64 = 64 << 10;
/// Connections at a time; the next one waits in the system's queue.
const CONNECTIONS: usize = 16;
/// How long a connection may stay silent, and an answer may take to be read.
const IDLE: Duration = Duration::from_secs(10);
/// How long an answer may take to be found.
const ANSWERED: Duration = Duration::from_secs(8);
/// Rest after a failure to accept, such as a lack of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// Connections that may follow what happens, at a time: the others are for questions.
const FOLLOWERS: usize = 8;

/// What is answered.
#[derive(Debug)]
pub enum Reply {
    /// One answer.
    One(Box<Answer>),
    /// One after the other, as they come, until the sender is gone. The last one is told by [`Answer::Done`].
    Many(mpsc::Receiver<Answer>),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::One(Box::new(answer))
    }
}

/// An answer to come.
pub type Asked = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// The open control socket of a data folder: no second one can be opened while it lives.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    owned: Flock<File>,
    leaves: Arc<Notify>,
}

impl ControlSocket {
    /// Opens the socket for its owner alone. The folder must exist. What a switch that died has left is replaced.
    ///
    /// # Errors
    /// [`ControlError::Running`] where another switch runs with this folder, else what the system says.
    pub fn open(data_folder: &Path) -> Result<Self, ControlError> {
        let folder = || data_folder.to_path_buf();
        let path = data_folder.join(SOCKET);
        let lock = data_folder.join(LOCK);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
        let owned = match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(owned) => owned,
            Err((_, Errno::EWOULDBLOCK)) => return Err(ControlError::Running(folder())),
            Err((_, error)) => return Err(io::Error::from(error).into()),
        };
        // The lock does not reach over a network file system; the socket does not either, but it may answer.
        match connect(data_folder, IDLE) {
            Ok(_) | Err(ControlError::Deadline(..)) => return Err(ControlError::Running(folder())),
            Err(ControlError::NotRunning(_)) => {}
            Err(error) => return Err(error),
        }
        let listener = bind_privately(data_folder, &path)?;
        Ok(Self { listener, path, owned, leaves: Arc::default() })
    }

    /// Takes up the socket and the lock of a process that handed them over.
    ///
    /// # Errors
    /// They are something else.
    pub fn adopt(data_folder: &Path, socket: OwnedFd, lock: File) -> Result<Self, ControlError> {
        let owned = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
            .map_err(|(_, error)| io::Error::from(error))?;
        let listener = UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: data_folder.join(SOCKET), owned, leaves: Arc::default() })
    }

    /// The socket and its lock, for the process that takes this one's place.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn descriptors(&self) -> io::Result<[OwnedFd; 2]> {
        Ok([self.listener.as_fd().try_clone_to_owned()?, self.owned.as_fd().try_clone_to_owned()?])
    }

    /// Rung once, it ends the accepting: another process does it. What was accepted is answered.
    pub fn leaves(&self) -> Arc<Notify> {
        Arc::clone(&self.leaves)
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Left behind it would do no harm: the next switch replaces it.
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "the control socket is gone already");
        }
    }
}

/// A bound socket can be opened by whom the umask lets, until its mode is set; so it is born in a folder that nobody
/// else may enter, and moved out when it is safe.
fn bind_privately(data_folder: &Path, path: &Path) -> io::Result<UnixListener> {
    let birthplace = data_folder.join(BIRTHPLACE);
    match fs::remove_dir_all(&birthplace) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => DirBuilder::new().mode(0o700).create(&birthplace)?,
    }
    let born = birthplace.join("s");
    let listener = UnixListener::bind(&born)?;
    fs::set_permissions(&born, Permissions::from_mode(0o600))?;
    fs::rename(&born, path)?;
    fs::remove_dir(&birthplace)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers questions until it is dropped, connections included. To be called within a tokio runtime.
///
/// # Errors
/// The runtime cannot take the socket.
pub async fn serve<F>(socket: ControlSocket, ask: F) -> io::Result<()>
where
    F: Fn(Question) -> Asked + Send + Sync + 'static,
{
    let listener = tokio::net::UnixListener::from_std(socket.listener.try_clone()?)?;
    let leaves = socket.leaves();
    let ask = Arc::new(ask);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let followers = Arc::new(Semaphore::new(FOLLOWERS));
    let mut connections = JoinSet::new();
    loop {
        let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
        while let Some(ended) = connections.try_join_next() {
            if let Err(error) = ended {
                tracing::error!(%error, "an answer on the control socket panicked");
            }
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Whoever has rung ends this process as well.
            () = leaves.notified() => return std::future::pending().await,
        };
        match accepted {
            Ok((stream, _)) => {
                let (ask, followers) = (Arc::clone(&ask), Arc::clone(&followers));
                connections.spawn(async move {
                    if let Err(error) = converse(stream, ask.as_ref(), &followers).await {
                        tracing::debug!(%error, "a connection on the control socket broke");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket accepts nobody");
                sleep(REST).await;
            }
        }
    }
}

async fn converse<F: Fn(Question) -> Asked>(
    mut stream: UnixStream,
    ask: &F,
    followers: &Semaphore,
) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reader).take(LONGEST_QUESTION);
        timeout(IDLE, bounded.read_until(b'\n', &mut line)).await??;
        if line.is_empty() {
            return Ok(());
        }
        let is_whole = line.last() == Some(&b'\n');
        match if is_whole { answer(&line, ask).await } else { error("the question is no line").into() } {
            Reply::One(answer) => write(&mut writer, &answer).await?,
            Reply::Many(answers) => {
                let Ok(_place) = followers.try_acquire() else {
                    return write(&mut writer, &error("too many follow already: end one of them first"))
                        .await;
                };
                return pass_on(answers, &mut reader, &mut writer).await;
            }
        }
        if !is_whole {
            return Ok(());
        }
    }
}

/// Writes answers as they come, until there are no more, or the asker hangs up or does not read.
async fn pass_on(
    mut answers: mpsc::Receiver<Answer>,
    reader: &mut (impl AsyncBufReadExt + Unpin),
    writer: &mut (impl AsyncWriteExt + Unpin),
) -> io::Result<()> {
    loop {
        tokio::select! {
            answer = answers.recv() => match answer {
                Some(answer) => write(writer, &answer).await?,
                None => return Ok(()),
            },
            // It has asked its last question: whatever comes now is the end.
            _ = reader.fill_buf() => return Ok(()),
        }
    }
}

async fn write(writer: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(answer).map_err(io::Error::from)?;
    bytes.push(b'\n');
    timeout(IDLE, writer.write_all(&bytes)).await?
}

async fn answer<F: Fn(Question) -> Asked>(line: &[u8], ask: &F) -> Reply {
    match serde_json::from_slice(line) {
        Ok(question) => {
            let found = timeout(ANSWERED, ask(question)).await;
            found.unwrap_or_else(|_| error("the switch is too busy to answer").into())
        }
        Err(unknown) => error(&format!("the question is not understood: {unknown}")).into(),
    }
}

fn error(message: &str) -> Answer {
    Answer::Error { message: message.to_owned() }
}
