//! Runs an engine as a child process: text through its standard input, audio through a file.
//! Must never involve a shell, pass a text as an argument, or leave a process behind.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use super::SpeechError;

/// How long an engine may take: the longest text takes a busy machine ten seconds.
const DEADLINE: Duration = Duration::from_secs(30);
/// Most bytes of audio: the longest text makes less than half of it.
const MAX_AUDIO: u64 = 32 << 20;

/// A program that speaks.
pub(super) struct Engine {
    program: &'static str,
    scratch: PathBuf,
    deadline: Duration,
    limit: u64,
    runs: AtomicU64,
}

/// A file that goes when its user does.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been made; what a crash leaves is cleared with the cache.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Engine {
    /// `program` as found on the path, writing its audio into the folder `scratch` for a moment.
    pub(super) fn new(program: &'static str, scratch: &Path) -> Self {
        Self {
            program,
            scratch: scratch.to_owned(),
            deadline: DEADLINE,
            limit: MAX_AUDIO,
            runs: AtomicU64::new(0),
        }
    }

    /// Runs the program once: `arguments` are given the path of the file that it is to write. Dropping the future kills
    /// the process.
    pub(super) async fn run(
        &self,
        arguments: impl FnOnce(&Path) -> Vec<String>,
        text: &str,
    ) -> Result<Vec<u8>, SpeechError> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{}-{run}.part", self.program, std::process::id());
        let output = Scratch(self.scratch.join(name));
        super::cache::make_folder(&self.scratch).map_err(|error| self.failed(error))?;
        let work = async {
            let mut child = self.start(arguments(&output.0))?;
            // An engine that ends early closes its input: its exit status tells why.
            let _ = feed(&mut child, text).await;
            child.wait().await.map_err(|error| self.failed(error))
        };
        let status = tokio::time::timeout(self.deadline, work)
            .await
            .map_err(|_| SpeechError::Late(self.program.into()))??;
        if !status.success() {
            return Err(self.failed(status));
        }
        self.collect(output).await
    }

    fn start(&self, arguments: Vec<String>) -> Result<Child, SpeechError> {
        Command::new(self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => SpeechError::NotInstalled(self.program.into()),
                _ => self.failed(error),
            })
    }

    /// Reads what the engine wrote, if it could be audio.
    async fn collect(&self, output: Scratch) -> Result<Vec<u8>, SpeechError> {
        let limit = self.limit;
        let read = move || super::cache::read_wav(&output.0, limit);
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(audio)) => Ok(audio),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, reason: impl ToString) -> SpeechError {
        SpeechError::Engine { engine: self.program.into(), reason: reason.to_string() }
    }
}

async fn feed(child: &mut Child, text: &str) -> std::io::Result<()> {
    let Some(mut input) = child.stdin.take() else { return Ok(()) };
    input.write_all(text.as_bytes()).await?;
    input.write_all(b"\n").await?;
    input.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::tests::Folder;

    fn engine(program: &'static str, folder: &Folder) -> Engine {
        Engine::new(program, &folder.0)
    }

    fn script(line: &'static str) -> impl FnOnce(&Path) -> Vec<String> {
        move |output| vec!["-c".into(), line.into(), "engine".into(), output.display().to_string()]
    }

    #[tokio::test]
    async fn the_text_goes_in_by_standard_input_and_the_audio_comes_out_of_the_file_which_is_gone_then() {
        let folder = Folder::new("engine-file");
        let line = "{ printf 'RIFF....WAVE'; cat; } > \"$1\"";
        let audio = engine("sh", &folder).run(script(line), "-x; rm $(pwd)").await;
        assert_eq!(audio, Ok(b"RIFF....WAVE-x; rm $(pwd)\n".to_vec()));
        assert_eq!(std::fs::read_dir(&folder.0).expect("made by the engine").count(), 0);
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_told_as_such() {
        let folder = Folder::new("engine-missing");
        let missing = engine("trunkline-no-such-engine", &folder).run(|_| vec![], "hello").await;
        assert_eq!(missing, Err(SpeechError::NotInstalled("trunkline-no-such-engine".into())));
    }

    #[tokio::test]
    async fn an_engine_that_does_not_end_is_killed_at_the_deadline() {
        let folder = Folder::new("engine-late");
        let mut engine = engine("sh", &folder);
        engine.deadline = Duration::from_millis(200);
        let pid_file = folder.0.join("pid");
        let line = "echo $$ > \"${1%/*}/pid\"; exec sleep 600";
        assert_eq!(engine.run(script(line), "hello").await, Err(SpeechError::Late("sh".into())));
        let pid = std::fs::read_to_string(pid_file).expect("it had begun");
        let process = PathBuf::from(format!("/proc/{}/comm", pid.trim()));
        // The runtime reaps what it has killed; until then the process is a zombie, which runs nothing.
        while std::fs::read_to_string(&process).is_ok_and(|name| name.trim() == "sleep") {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn failure_silence_and_floods_are_errors_of_the_engine() {
        let folder = Folder::new("engine-bad");
        let mut engine = engine("sh", &folder);
        engine.limit = 1_000;
        for (line, reason) in [
            ("exit 3", "exit status: 3"),
            ("true", "No such file"),
            ("echo no audio > \"$1\"", "this is no WAV file"),
            ("{ printf 'RIFF....WAVE'; head -c 2000 /dev/zero; } > \"$1\"", "more than 1000 bytes"),
        ] {
            match engine.run(script(line), "hello").await {
                Err(SpeechError::Engine { reason: told, .. }) => {
                    assert!(told.contains(reason), "{line}: {told}")
                }
                other => panic!("{line}: {other:?}"),
            }
        }
    }
}
