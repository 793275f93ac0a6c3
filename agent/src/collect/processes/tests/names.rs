//! The names that the list shows.

use super::{Fake, Machine, begin, ms, row, sample};

fn name_of(fake: &Fake) -> String {
    let machine = Machine::new();
    machine.put(fake);
    row(&sample(&machine, &mut begin(&machine)), fake.pid)
        .name
        .clone()
}

fn fake(comm: &[u8], cmdline: &[u8]) -> Fake {
    let mut fake = Fake::new(70, "");
    fake.comm = comm.to_vec();
    fake.cmdline = cmdline.to_vec();
    fake
}

#[test]
fn a_short_name_is_whole_whatever_it_is_made_of() {
    for comm in [
        "a) R 1 (b",
        "two words",
        "line\nend",
        "((",
        "))",
        "",
        "größe",
    ] {
        assert_eq!(name_of(&fake(comm.as_bytes(), b"/bin/else\0")), comm);
    }
    assert_eq!(name_of(&fake(b"\xff\xfe", b"")), "\u{fffd}\u{fffd}");
}

#[test]
fn a_long_name_is_completed() {
    let whole = "a-program-with-more-to-it";
    let comm = &whole.as_bytes()[..15];
    let direct = fake(comm, b"/opt/a-program-with-more-to-it\0-v\0");
    assert_eq!(name_of(&direct), whole);
    let script = fake(comm, b"/bin/sh\0-e\0/opt/a-program-with-more-to-it\0");
    assert_eq!(name_of(&script), whole);
    let mut titled = fake(comm, b"something it calls itself");
    titled.exe = Some(b"/opt/a-program-with-more-to-it (deleted)".to_vec());
    assert_eq!(name_of(&titled), whole);
    assert_eq!(name_of(&fake(comm, b"")), "a-program-with-");
    assert_eq!(
        name_of(&fake(b"exactly-fifteen", b"exactly-fifteen\0")),
        "exactly-fifteen"
    );
}

#[test]
fn a_name_cut_in_the_middle_of_a_character_is_completed() {
    let whole = "überprüfung-größe";
    let comm = &whole.as_bytes()[..15];
    assert!(std::str::from_utf8(&whole.as_bytes()[..3]).is_ok());
    assert_eq!(name_of(&fake(comm, whole.as_bytes())), whole);
    let odd = "x日本語日本語";
    let cut = &odd.as_bytes()[..15];
    assert!(std::str::from_utf8(cut).is_err());
    assert_eq!(name_of(&fake(cut, odd.as_bytes())), odd);
    assert_eq!(name_of(&fake(cut, b"")), "x日本語日\u{fffd}");
}

#[test]
fn a_kernel_thread_is_not_looked_for_in_a_command_line() {
    let mut kernel = fake(b"a-kernel-thread", b"a-kernel-thread-not\0");
    kernel.flags = 0x0020_0000;
    assert_eq!(name_of(&kernel), "a-kernel-thread");
}

#[test]
fn an_exec_is_seen_in_the_next_sample() {
    let machine = Machine::new();
    let mut process = fake(b"sh", b"sh\0");
    machine.put(&process);
    let mut collector = begin(&machine);
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "sh");
    let first = "a-program-with-one-name";
    let second = "a-program-with-another";
    for name in [first, second] {
        // The second exec leaves `comm` as it is.
        process.comm = name.as_bytes()[..15].to_vec();
        process.cmdline = [b"/usr/bin/", name.as_bytes(), b"\0"].concat();
        process.cpu += ms(1);
        process.faults += 100;
        machine.put(&process);
        assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
    }
}

#[test]
fn a_long_name_is_looked_for_again_only_where_it_may_be_another() {
    let machine = Machine::new();
    let mut process = fake(b"a-program-with-", b"/usr/bin/a-program-with-one-name\0");
    machine.put(&process);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    process.cmdline = b"/usr/bin/a-program-with-another\0".to_vec();
    process.cpu += ms(1);
    machine.put(&process);
    // The old name proves that the command line was not read.
    let name = "a-program-with-one-name";
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
    process.started += ms(10);
    process.cpu += ms(1);
    machine.put(&process);
    let name = "a-program-with-another";
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
}
