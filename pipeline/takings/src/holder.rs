//! Who holds the project's lease: a run of this process, told from those of dead processes and of later ones with the same number.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use takings_runs::{Holder, LeaseInfo};
use takings_storage::{Lock, Store};
use uuid::Uuid;

/// The holders that are at work in this process.
static AT_WORK: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A holder of the lease, for as long as this lives.
pub struct AtWork {
    pub holder: Holder,
    _lock: Option<Lock>,
}

impl AtWork {
    /// One that only looks after others.
    pub fn new() -> Self {
        Self::with(Uuid::new_v4(), None)
    }

    /// One that other processes find in the store. Where nothing can be written there, they wait for the end of its lease.
    pub async fn seen_in(store: &Store) -> Self {
        let id = Uuid::new_v4();
        Self::with(id, store.lock(&id.to_string()).await.ok().flatten())
    }

    fn with(id: Uuid, lock: Option<Lock>) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned());
        let pid = std::process::id();
        let id = format!("{}.{}.{}.{id}", start_of(pid).unwrap_or_default(), here().machine, here().kernel);
        at_work(|holders| holders.insert(id.clone()));
        Self { holder: Holder { id, host, pid, program_version: env!("CARGO_PKG_VERSION").to_owned() }, _lock: lock }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        at_work(|holders| holders.remove(&self.holder.id));
    }
}

fn at_work<T>(look: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
    look(&mut AT_WORK.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether the holder of a lease is at work, as far as locks in the store and the numbers of processes tell. Where that can't be known, it is
/// taken to be: its lease ends by itself. Whoever is taken for dead and is not only loses its run, for the lease is the fence of the store.
pub fn alive_in(store: &Store) -> impl Fn(&LeaseInfo) -> bool + Send + Sync + '_ {
    |lease| by_lock(lease, store).unwrap_or_else(|| by_number(lease))
}

/// The kernel frees a lock when its process ends, in whatever container that was. Other kernels may not see it.
fn by_lock(lease: &LeaseInfo, store: &Store) -> Option<bool> {
    let parts: Vec<&str> = lease.holder.split('.').collect();
    let [_, _, kernel, id] = parts[..] else { return None };
    if kernel == here().kernel { store.is_locked(id) } else { None }
}

/// A number alone says little: after the restart of a container the new process has that of the dead one. Nor does the name of a machine:
/// containers and clones may share one.
fn by_number(lease: &LeaseInfo) -> bool {
    let parts: Vec<&str> = lease.holder.split('.').collect();
    let [then, machine, ..] = parts[..] else { return true };
    if machine != here().machine {
        return true;
    }
    if lease.pid == std::process::id() {
        return at_work(|holders| holders.contains(&lease.holder));
    }
    if !Path::new("/proc/self").exists() {
        return true;
    }
    start_of(lease.pid).is_some_and(|now| then.is_empty() || then == now)
}

/// Where this process runs.
struct Here {
    /// Within this, processes are told apart by their numbers: a machine, or a container on it.
    machine: String,
    /// Within this, locks are seen: a machine since it started, with all its containers.
    kernel: String,
}

fn here() -> &'static Here {
    static HERE: LazyLock<Here> = LazyLock::new(|| {
        let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let kernel = read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let machine = read("/etc/machine-id").unwrap_or_else(|| kernel.clone());
        let container = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        // Only compared: it stays the program's own affair which machine it is.
        Here { machine: hashed((machine, container)), kernel: hashed(kernel) }
    });
    &HERE
}

fn hashed(what: impl Hash) -> String {
    let mut hash = DefaultHasher::new();
    what.hash(&mut hash);
    format!("{:016x}", hash.finish())
}

/// When a living process started, in ticks of the machine. `None`: there is no such process.
fn start_of(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The name, which stands in parentheses, may hold spaces; the start is the 22nd field.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn lease(holder: &Holder) -> LeaseInfo {
        let at = DateTime::UNIX_EPOCH;
        let (holder, host, pid) = (holder.id.clone(), holder.host.clone(), holder.pid);
        LeaseInfo { holder, host, pid, run: Uuid::nil(), job: "nightly".into(), tick: at, since: at, heartbeat_at: at, expires_at: at }
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().to_str().unwrap(), Path::new("/")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_run_of_this_process_is_alive_until_it_ends() {
        let (one, other) = (AtWork::new(), AtWork::new());
        let held = lease(&one.holder);
        assert!(by_number(&held) && by_number(&lease(&other.holder)));
        drop(one);
        assert!(!by_number(&held) && by_number(&lease(&other.holder)));
    }

    #[test]
    fn a_process_of_another_machine_of_the_same_name_is_taken_to_be_alive() {
        let here_now = AtWork::new();
        let dead = |machine: &str, pid| {
            let id = here_now.holder.id.replace(&here().machine, machine);
            by_number(&lease(&Holder { id, pid, ..here_now.holder.clone() }))
        };
        // No process has the number 0.
        assert!(!dead(&here().machine, 0) && dead("elsewhere", 0));
        assert!(dead("elsewhere", here_now.holder.pid), "it has the number of this process");
    }

    #[tokio::test]
    async fn a_process_of_another_container_is_told_by_its_lock() {
        let (folder, store) = store();
        let container = AtWork::seen_in(&store).await;
        let of = |kernel: &str| {
            let id = container.holder.id.replace(&here().machine, "elsewhere").replace(&here().kernel, kernel);
            lease(&Holder { id, host: "container".into(), ..container.holder.clone() })
        };
        let (near, far) = (of(&here().kernel), of("another"));
        assert!(alive_in(&store)(&near) && alive_in(&store)(&far));
        let mark = folder.path().join("staging").join(container.holder.id.rsplit('.').next().unwrap());
        drop(container);
        // Killed, it leaves its mark, and nobody has it locked. What another machine has locked need not be seen here.
        std::fs::write(mark, "").unwrap();
        assert!(!alive_in(&store)(&near) && alive_in(&store)(&far));
    }

    #[test]
    fn a_later_process_with_the_number_of_a_dead_one_is_another() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = start_of(sleeper.id()).unwrap();
        let of = |start: &str| {
            let id = format!("{start}.{}.{}.x", here().machine, here().kernel);
            lease(&Holder { id, host: "host".into(), pid: sleeper.id(), program_version: "1".into() })
        };
        let (same, before, unknown) = (of(&start), of("1"), of(""));
        assert!(by_number(&same) && !by_number(&before) && by_number(&unknown));
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(!by_number(&same));
    }
}
