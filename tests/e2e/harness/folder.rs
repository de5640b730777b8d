//! A folder of a story's own, gone when the story went well.
//! It must never be shared: two stories run at a time, and two checkouts.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Kept, and named, when the story fails or `TRUNKLINE_E2E_KEEP` is set.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = std::thread::current().name().unwrap_or("story").replace("::", "-");
        // baresip cuts long paths.
        let story: String = name.chars().take(40).collect();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trunkline-{}-{number}-{story}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("the temporary folder is writable");
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder inside.
    pub fn sub(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::create_dir_all(&path).expect("the story's folder is writable");
        path
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        std::fs::write(&path, content).expect("the story's folder is writable");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("TRUNKLINE_E2E_KEEP").is_some() {
            eprintln!("logs, captures and recordings are in {}", self.path.display());
        } else if let Err(error) = std::fs::remove_dir_all(&self.path) {
            eprintln!("{} stays behind: {error}", self.path.display());
        }
    }
}
