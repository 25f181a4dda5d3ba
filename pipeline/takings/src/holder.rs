//! Who holds the project's lease: a run of this process, told from those of dead processes and of later ones with the same number.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

use takings_runs::{Holder, LeaseInfo};
use uuid::Uuid;

/// The holders that are at work in this process.
static AT_WORK: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A holder of the lease, for as long as this lives.
pub struct AtWork {
    pub holder: Holder,
}

impl AtWork {
    pub fn new() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned());
        let pid = std::process::id();
        let id = format!("{}.{}.{}", start_of(pid).unwrap_or_default(), machine(), Uuid::new_v4());
        at_work(|holders| holders.insert(id.clone()));
        Self { holder: Holder { id, host, pid, program_version: env!("CARGO_PKG_VERSION").to_owned() } }
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

/// Whether the holder of a lease is at work, as far as the numbers of this machine's processes tell. Where that can't be known, it is taken to be:
/// its lease ends by itself.
///
/// A number alone says little: after the restart of a container the new process has that of the dead one. Nor does the name of a machine:
/// containers and clones may share one.
pub fn alive(lease: &LeaseInfo) -> bool {
    let mut parts = lease.holder.split('.');
    let (then, there) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if parts.next().is_some() && there != machine() {
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

/// Within which processes are told apart by their numbers: a machine, or a container on it.
fn machine() -> &'static str {
    static MACHINE: LazyLock<String> = LazyLock::new(|| {
        let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let machine = read("/etc/machine-id").or_else(|| read("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
        let container = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        // Only compared: it stays the program's own affair which machine it is.
        let mut hash = DefaultHasher::new();
        (machine, container).hash(&mut hash);
        format!("{:016x}", hash.finish())
    });
    &MACHINE
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

    #[test]
    fn a_run_of_this_process_is_alive_until_it_ends() {
        let (one, other) = (AtWork::new(), AtWork::new());
        let held = lease(&one.holder);
        assert!(alive(&held) && alive(&lease(&other.holder)));
        drop(one);
        assert!(!alive(&held) && alive(&lease(&other.holder)));
    }

    #[test]
    fn a_process_of_another_machine_of_the_same_name_is_taken_to_be_alive() {
        let here = AtWork::new();
        let id = |machine: &str| here.holder.id.replace(machine_of(&here.holder.id), machine);
        let dead = |id: String, pid| lease(&Holder { id, pid, ..here.holder.clone() });
        // No process has the number 0.
        assert!(!alive(&dead(id(machine()), 0)) && alive(&dead(id("elsewhere"), 0)));
        assert!(alive(&dead(id("elsewhere"), here.holder.pid)), "it has the number of this process");
    }

    fn machine_of(holder: &str) -> &str {
        holder.split('.').nth(1).unwrap()
    }

    #[test]
    fn a_later_process_with_the_number_of_a_dead_one_is_another() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = start_of(sleeper.id()).unwrap();
        let of = |start: &str| lease(&Holder { id: format!("{start}.x"), host: "host".into(), pid: sleeper.id(), program_version: "1".into() });
        let (same, before, unknown) = (of(&start), of("1"), of(""));
        assert!(alive(&same) && !alive(&before) && alive(&unknown));
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(!alive(&same));
    }
}
