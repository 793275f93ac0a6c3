//! What the tests of both programs share: running programs, in a terminal or as a server, and
//! waiting for what they should do.
//!
//! Everything here panics with what it waited for and what it saw instead: it serves tests alone.

mod control_group;
mod conversation;
mod demonstration;
mod hostile_host;
mod instructions;
mod programs;
mod terminal;

pub use control_group::ControlGroup;
pub use conversation::Conversation;
pub use demonstration::{
    USUAL_SIZE, demonstration, presented_key, shows_this_host, wait_until_left,
};
pub use hostile_host::{
    Hostile, anonymous_bytes, eager_agent, eager_agent_below, health, in_own_host, python,
    resident_bytes, skip, threads,
};
pub use instructions::{CountedAgent, can_count_instructions};
pub use programs::{clean_command, our_program, published_program};
pub use socktop_testkit::programs::{Background, Server, free_port};
pub use socktop_testkit::wait::{DEADLINE, wait_for};
pub use terminal::{Size, Terminal, keys, terminal_command};

/// This host's name, as both programs should show it: `uname(2)` nodename.
#[must_use]
pub fn hostname() -> String {
    let uname = rustix::system::uname();
    uname.nodename().to_string_lossy().into_owned()
}
