//! The edge of the configuration: its files on disk.
//! Must never leave a secret readable by others, nor half a file behind.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::{Config, ConfigError, Credentials, Examination};

/// Longest configuration or credentials file in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Why a file of the configuration could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The disk says no.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration is wrong.
    #[error("{}", told(path, errors))]
    Config {
        /// Which file.
        path: PathBuf,
        /// Where and why: everything that is wrong.
        errors: Vec<ConfigError>,
    },
    /// The credentials cannot be read. The text is not repeated: it may hold secrets.
    #[error("{}: these are no credentials (line {line})", .path.display())]
    Credentials {
        /// Which file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
    },
    /// Credentials that nobody should have, or that nobody can use. Their text is not repeated either.
    #[error("{}", faulty(path, faults))]
    Secrets {
        /// Which file.
        path: PathBuf,
        /// The key, and what would be right.
        faults: Vec<(String, &'static str)>,
    },
}

/// Where the configuration of a process comes from: asked at the start, and again at each reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file that was named; without one, `trunkline.toml` in the working folder if there is one.
    pub config: Option<PathBuf>,
    /// The data folder that was named: it comes before that of the file.
    pub data: Option<PathBuf>,
}

impl Origin {
    /// The file that is read; none where the defaults hold.
    pub fn file(&self) -> Option<PathBuf> {
        let local = || Some(PathBuf::from("trunkline.toml")).filter(|local| local.exists());
        self.config.clone().or_else(local)
    }

    /// The configuration.
    ///
    /// # Errors
    /// The file cannot be read, or its content is wrong.
    pub fn load(&self) -> Result<Config, FileError> {
        let config = self.file().map_or_else(|| Ok(Config::default()), |file| load_config(&file))?;
        Ok(self.with_data(config))
    }

    /// The configuration, with everything that is wrong in it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn examine(&self) -> Result<Examination, FileError> {
        let mut examined =
            self.file().map_or_else(|| Ok(Config::examine("")), |file| examine_config(&file))?;
        examined.config = self.with_data(examined.config);
        Ok(examined)
    }

    fn with_data(&self, mut config: Config) -> Config {
        if let Some(data) = &self.data {
            config.data.folder.clone_from(data);
        }
        config
    }
}

/// Reads the configuration.
///
/// # Errors
/// The file cannot be read, or its content is wrong.
pub fn load_config(path: &Path) -> Result<Config, FileError> {
    let Examination { config, errors, .. } = examine_config(path)?;
    if errors.is_empty() { Ok(config) } else { Err(FileError::Config { path: path.to_owned(), errors }) }
}

/// Reads the configuration, with everything that is wrong in it.
///
/// # Errors
/// The file cannot be read.
pub fn examine_config(path: &Path) -> Result<Examination, FileError> {
    let text = read(path).map_err(|source| FileError::Disk { path: path.to_owned(), source })?;
    Ok(Config::examine(&text))
}

/// One line for each error.
fn told(path: &Path, errors: &[ConfigError]) -> String {
    let lines: Vec<String> = errors.iter().map(|error| format!("{}: {error}", path.display())).collect();
    lines.join("\n")
}

/// One line for each fault.
fn faulty(path: &Path, faults: &[(String, &'static str)]) -> String {
    let lines: Vec<String> =
        faults.iter().map(|(key, right)| format!("{}: {key}: {right}", path.display())).collect();
    lines.join("\n")
}

/// Reads the credentials; none if there is no such file. One that others could read is closed to them.
///
/// # Errors
/// The file cannot be read or closed to others, or it holds no credentials.
pub fn load_credentials(path: &Path) -> Result<Option<Credentials>, FileError> {
    let credentials = read_credentials(path)?;
    if credentials.is_some() {
        close(path)?;
    }
    Ok(credentials)
}

/// Closes a file of secrets to others.
///
/// # Errors
/// The disk says no.
pub(crate) fn close(path: &Path) -> Result<(), FileError> {
    let closed = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    closed.map_err(|source| FileError::Disk { path: path.to_owned(), source })
}

/// Reads the credentials, and leaves their file as it is; none if there is no such file.
///
/// # Errors
/// The file cannot be read, or it holds no credentials.
pub fn read_credentials(path: &Path) -> Result<Option<Credentials>, FileError> {
    let disk = |source| FileError::Disk { path: path.to_owned(), source };
    let text = match read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(error)),
    };
    let credentials: Credentials = toml::from_str(&text).map_err(|error| FileError::Credentials {
        path: path.to_owned(),
        line: super::notation::line_of(&text, error.span()),
    })?;
    let faults = credentials.faults();
    if faults.is_empty() {
        Ok(Some(credentials))
    } else {
        Err(FileError::Secrets { path: path.to_owned(), faults })
    }
}

/// Writes the credentials, readable by their owner alone: all of them or, after a crash, the former ones.
///
/// # Errors
/// The disk says no.
pub fn save_credentials(path: &Path, credentials: &Credentials) -> Result<(), FileError> {
    let disk = |source| FileError::Disk { path: path.to_owned(), source };
    let text = toml::to_string(credentials).map_err(|error| disk(io::Error::other(error)))?;
    replace(path, text.as_bytes()).map_err(disk)
}

/// The credentials kept in `path`, or newly minted ones which are kept from now on; and whether they are new.
///
/// # Errors
/// As [`load_credentials`] and [`save_credentials`].
pub fn load_or_mint(
    path: &Path,
    random: impl FnMut() -> [u8; 16],
    names: &[&str],
) -> Result<(Credentials, bool), FileError> {
    if let Some(kept) = load_credentials(path)? {
        return Ok((kept, false));
    }
    let minted = Credentials::mint(random, names);
    save_credentials(path, &minted)?;
    Ok((minted, true))
}

/// A text file of at most 1 MB. Blocks.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = File::open(path)?;
    if file.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than 1 MB"));
    }
    Ok(text)
}

/// Writes beside the file, then renames: a reader never meets half of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    // One left by a crash may have another owner's mode: it is not written into.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    leave_to_owner(&file, path, folder)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder)?.sync_all()
}

/// What root writes belongs to the owner of the former file, or else of the folder: the switch, which runs as another
/// user, could not read it otherwise.
fn leave_to_owner(file: &File, former: &Path, folder: &Path) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let mut owners = [former, folder].into_iter().filter_map(|place| fs::metadata(place).ok());
    let Some(owner) = owners.find(|owner| owner.uid() != 0) else { return Ok(()) };
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, gone when it ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("trunkline-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn counting() -> impl FnMut() -> [u8; 16] {
        let mut drawn = 0;
        move || {
            drawn += 1;
            [drawn; 16]
        }
    }

    #[test]
    fn the_second_start_keeps_the_secrets_of_the_first() {
        let folder = Folder::new("second-start");
        let path = folder.0.join("credentials.toml");
        let (first, new) = load_or_mint(&path, counting(), &["alice"]).expect("minted");
        assert!(new);
        let (second, new) =
            load_or_mint(&path, || panic!("nothing is drawn"), &["alice", "bob"]).expect("kept");
        assert_eq!((second, new), (first, false));
    }

    #[test]
    fn secrets_are_readable_by_their_owner_alone() {
        let folder = Folder::new("owner-alone");
        let path = folder.0.join("credentials.toml");
        save_credentials(&path, &Credentials::mint(counting(), &[])).expect("saved");
        let mode = |path: &Path| fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.0)), (0o600, 0o700));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("opened to others");
        load_credentials(&path).expect("read");
        assert_eq!(mode(&path), 0o600, "closed again");
    }

    #[test]
    fn what_root_writes_belongs_to_whoever_owns_the_folder_or_the_former_file() {
        let folder = Folder::new("root");
        let path = folder.0.join("credentials.toml");
        fs::create_dir_all(&folder.0).expect("folder");
        // Only root can give things away; for others everything is their own.
        let own = Uid::effective().as_raw();
        let [of_folder, of_file] = if own == 0 { [12_345, 12_346] } else { [own; 2] };
        let owner = |path: &Path| fs::metadata(path).expect("exists").uid();
        let give = |path: &Path, to| std::os::unix::fs::chown(path, Some(to), None).expect("given away");
        give(&folder.0, of_folder);
        save_credentials(&path, &Credentials::mint(counting(), &[])).expect("saved");
        assert_eq!(owner(&path), of_folder);
        give(&path, of_file);
        save_credentials(&path, &Credentials::mint(counting(), &[])).expect("saved again");
        assert_eq!(owner(&path), of_file);
    }

    #[test]
    fn a_part_left_by_a_crash_is_replaced_and_none_is_left() {
        let folder = Folder::new("crash");
        let path = folder.0.join("credentials.toml");
        fs::create_dir_all(&folder.0).expect("folder");
        fs::write(folder.0.join("credentials.toml.part"), "half a f").expect("part");
        let credentials = Credentials::mint(counting(), &["bob"]);
        save_credentials(&path, &credentials).expect("saved");
        assert_eq!(load_credentials(&path).expect("read"), Some(credentials));
        assert_eq!(fs::read_dir(&folder.0).expect("folder").count(), 1);
    }

    #[test]
    fn a_broken_secrets_file_is_told_without_its_content_and_never_overwritten() {
        let folder = Folder::new("broken");
        let path = folder.0.join("credentials.toml");
        fs::create_dir_all(&folder.0).expect("folder");
        fs::write(&path, "account_sid = \"AC1\"\nauth_token = hunter2\n").expect("written");
        let error = load_or_mint(&path, counting(), &[]).expect_err("broken");
        assert!(error.to_string().ends_with("these are no credentials (line 2)"), "{error}");
        assert!(fs::read_to_string(&path).expect("there").contains("hunter2"));
    }

    #[test]
    fn credentials_that_are_none_are_refused_by_their_key_and_not_repeated() {
        let folder = Folder::new("empty-secrets");
        let path = folder.0.join("credentials.toml");
        fs::create_dir_all(&folder.0).expect("folder");
        let users = "[users]\nalice = \"\"\nbob = \"hunter2\"\n\"b ob\" = \"hunter3\"\n";
        fs::write(&path, format!("account_sid = \"ACnonsense\"\nauth_token = \"\"\n{users}"))
            .expect("written");
        let told = read_credentials(&path).expect_err("nobody could use them").to_string();
        let keys: Vec<&str> = told.lines().filter_map(|line| line.split(": ").nth(1)).collect();
        assert_eq!(keys, ["account_sid", "auth_token", "users.alice", "users.\"b ob\""], "{told}");
        assert!(!told.contains("hunter") && !told.contains("nonsense"), "{told}");
    }

    #[test]
    fn a_data_folder_that_was_named_comes_before_that_of_the_file() {
        let folder = Folder::new("origin");
        let path = folder.0.join("trunkline.toml");
        fs::create_dir_all(&folder.0).expect("folder");
        fs::write(&path, "[data]\nfolder = \"there\"\n[sip.timers]\nring = \"10s\"\n").expect("written");
        let origin = Origin { config: Some(path.clone()), data: None };
        assert_eq!(origin.load().expect("sound").data.folder, Path::new("there"));
        let named = Origin { data: Some("here".into()), ..origin };
        let config = named.load().expect("sound");
        assert_eq!((config.data.folder.as_path(), config.sip.timers.ring.as_secs()), (Path::new("here"), 10));
        assert_eq!(named.examine().expect("read").config, config);
        fs::remove_file(&path).expect("it was there");
        assert!(matches!(named.load(), Err(FileError::Disk { .. })), "a file that was named must be there");
    }

    #[test]
    fn a_configuration_is_told_with_its_file() {
        let folder = Folder::new("config");
        let path = folder.0.join("trunkline.toml");
        let missing = load_config(&path).expect_err("missing").to_string();
        assert!(missing.contains("trunkline.toml: "), "{missing}");
        fs::create_dir_all(&folder.0).expect("folder");
        fs::write(&path, "[sip]\nlisen = []").expect("written");
        let wrong = load_config(&path).expect_err("wrong").to_string();
        assert!(wrong.ends_with("line 2: unknown key `sip.lisen`, did you mean `sip.listen`?"), "{wrong}");
        fs::write(&path, "# ".repeat(1 << 20)).expect("written");
        assert!(matches!(load_config(&path), Err(FileError::Disk { .. })), "too large");
    }
}
