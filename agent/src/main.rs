//! socktop-agent.

fn main() {}
