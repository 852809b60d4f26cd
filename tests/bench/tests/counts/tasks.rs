use std::collections::BTreeMap;
use std::fs;

/// How often each task gave up its core, or was made to.
pub(crate) type Switches = BTreeMap<String, Switch>;

/// How often one did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Switch {
    /// Since it had nothing to do.
    pub(crate) voluntary: u64,
    /// Since others had more to do.
    pub(crate) forced: u64,
}

/// Of all tasks of these processes, by process, number and name.
pub(crate) fn of_tasks(pids: &[u32]) -> Switches {
    let mut all = Switches::new();
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap().trim().to_owned()
            };
            let name = format!("{pid} {} {}", field("Pid:"), field("Name:"));
            let count = |name| field(name).parse().unwrap();
            let switch = Switch {
                voluntary: count("voluntary_ctxt_switches:"),
                forced: count("nonvoluntary_ctxt_switches:"),
            };
            all.insert(name, switch);
        }
    }
    all
}
