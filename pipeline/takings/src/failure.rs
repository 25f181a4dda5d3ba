//! What can go wrong in a command, and the exit code that says so.

use std::fmt;
use std::io::ErrorKind;
use std::process::ExitCode;

/// An error that ends a command.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Data or a check failed, or the world did: 1.
    Run,
    /// A file is not what its channel file says: 1.
    Data,
    /// What the user typed or configured is wrong: 2.
    Usage,
    /// The memory limit was reached: 1, unless a second way needs less.
    Memory,
    /// Somebody asked for it to stop: 1.
    Stopped,
    /// Another run holds the project, or has done the work: 1, unless somebody waits.
    Busy,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn run(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Run, message: message.to_string() }
    }

    pub fn usage(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Usage, message: message.to_string() }
    }

    /// 1: recorded and worth another try when the cause is gone. 2: the user must change something first.
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Run | Kind::Data | Kind::Memory | Kind::Stopped | Kind::Busy => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
        }
    }

    pub fn stopped(message: impl fmt::Display) -> Self {
        Self { kind: Kind::Stopped, message: message.to_string() }
    }

    pub fn is_stopped(&self) -> bool {
        self.kind == Kind::Stopped
    }

    /// May the same be possible when another run has ended?
    pub fn is_busy(&self) -> bool {
        self.kind == Kind::Busy
    }

    pub fn is_usage(&self) -> bool {
        self.kind == Kind::Usage
    }

    pub fn is_memory(&self) -> bool {
        self.kind == Kind::Memory
    }

    /// Is a file at fault, and nothing else?
    pub fn is_data(&self) -> bool {
        self.kind == Kind::Data
    }

    fn of(config: bool, error: impl fmt::Display) -> Self {
        if config { Self::usage(error) } else { Self::run(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<takings_definitions::Error> for Failure {
    fn from(error: takings_definitions::Error) -> Self {
        Self::usage(error)
    }
}

macro_rules! from_stage {
    ($($stage:path),+ $(,)?) => {
        $(impl From<$stage> for Failure {
            fn from(error: $stage) -> Self {
                Self::of(error.is_config(), error)
            }
        })+
    };
}

from_stage!(takings_storage::Error, takings_sources::Error, takings_lake::Error, takings_reports::Error);

impl From<takings_decode::Error> for Failure {
    fn from(error: takings_decode::Error) -> Self {
        if error.is_data() { Self { kind: Kind::Data, message: error.to_string() } } else { Self::of(error.is_config(), error) }
    }
}

impl From<takings_engine::Error> for Failure {
    fn from(error: takings_engine::Error) -> Self {
        if error.is_memory() { Self { kind: Kind::Memory, message: error.to_string() } } else { Self::of(error.is_config(), error) }
    }
}

impl From<takings_faults::Injected> for Failure {
    fn from(error: takings_faults::Injected) -> Self {
        Self::run(error)
    }
}

impl From<takings_runs::Error> for Failure {
    fn from(error: takings_runs::Error) -> Self {
        match error {
            takings_runs::Error::Busy(_) | takings_runs::Error::NotDue { .. } => Self { kind: Kind::Busy, message: error.to_string() },
            error => Self::of(error.is_config(), error),
        }
    }
}

/// Files of the store and the ledger have errors of their own: what can be full here is the folder for temporary files.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::run(format!(
                "a temporary file under {} can't be written: {error}; make room there or name another folder in TMPDIR, then run again",
                std::env::temp_dir().display()
            )),
            _ => Self::run(error),
        }
    }
}

impl From<takings_sample::Error> for Failure {
    fn from(error: takings_sample::Error) -> Self {
        Self::run(error)
    }
}
