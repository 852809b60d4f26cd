use std::collections::BTreeSet;
use std::fs;

/// The abstract socket that a worker was told to connect to.
pub(crate) fn socket_of(worker: u32) -> Option<String> {
    let environ = fs::read(format!("/proc/{worker}/environ")).ok()?;
    let mut variables = environ.split(|byte| *byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
    variables.find_map(|variable| variable.strip_prefix("OSTLER_SOCKET=")).map(str::to_owned)
}

/// Those of these sockets that anybody holds.
pub(crate) fn held(names: &BTreeSet<String>) -> Vec<String> {
    let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let there: BTreeSet<&str> =
        table.lines().filter_map(|line| line.rsplit_once('@')).map(|(_, name)| name).collect();
    names.iter().filter(|name| there.contains(name.as_str())).cloned().collect()
}
