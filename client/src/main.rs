//! socktop.

fn main() {}
