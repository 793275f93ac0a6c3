//! Names of processes in the list.

use super::{Fake, Machine, begin, ms, row, sample};

fn name_of(fake: &Fake) -> String {
    let machine = Machine::new();
    machine.put(fake);
    row(&sample(&machine, &mut begin(&machine)), fake.pid)
        .name
        .clone()
}

fn fake(comm: &[u8], exe: &str) -> Fake {
    let mut fake = Fake::new(70, "");
    fake.comm = comm.to_vec();
    fake.exe = (!exe.is_empty()).then(|| exe.into());
    fake
}

#[test]
fn short_name_is_taken_as_it_is() {
    for comm in [
        "a) R 1 (b",
        "two words",
        "line\nend",
        "((",
        "))",
        "",
        "größe",
    ] {
        assert_eq!(name_of(&fake(comm.as_bytes(), "/bin/else")), comm);
    }
    assert_eq!(name_of(&fake(b"\xff\xfe", "")), "\u{fffd}\u{fffd}");
}

#[test]
fn cut_name_is_completed_by_the_path_of_the_program() {
    let whole = "a-program-with-more-to-it";
    let comm = &whole.as_bytes()[..15];
    assert_eq!(
        name_of(&fake(comm, "/opt/a-program-with-more-to-it")),
        whole
    );
    let replaced = fake(comm, "/opt/a-program-with-more-to-it (deleted)");
    assert_eq!(name_of(&replaced), whole);
    assert_eq!(name_of(&fake(comm, "")), "a-program-with-");
    assert_eq!(name_of(&fake(comm, "/usr/bin/python3")), "a-program-with-");
    let exact = fake(b"exactly-fifteen", "/bin/exactly-fifteen");
    assert_eq!(name_of(&exact), "exactly-fifteen");
}

#[test]
fn name_is_never_taken_from_arguments() {
    for (comm, cmdline, exe, right) in [
        (
            "chromium-browse",
            "/usr/lib/chromium-browser/chromium-browser --type=renderer --field-trial-handle=1,2 --lang=en\0",
            "/usr/lib/chromium-browser/chromium-browser",
            "chromium-browser",
        ),
        (
            "my-backup-daemo",
            "my-backup-daemon --repository=s3 --password=hunter2\0",
            "/usr/bin/my-backup-daemon",
            "my-backup-daemon",
        ),
        // The agent may not see whose program it is.
        (
            "my-backup-daemo",
            "my-backup-daemon --repository=s3 --password=hunter2\0",
            "",
            "my-backup-daemo",
        ),
        (
            "my-backup-daemo",
            "/bin/sh\0/opt/my-backup-daemon --password=hunter2\0",
            "/bin/sh",
            "my-backup-daemo",
        ),
    ] {
        let mut process = fake(comm.as_bytes(), exe);
        process.cmdline = cmdline.into();
        assert_eq!(name_of(&process), right, "{cmdline}");
    }
}

#[test]
fn a_name_cut_in_the_middle_of_a_character_is_completed() {
    let whole = "überprüfung-größe";
    let comm = &whole.as_bytes()[..15];
    assert_eq!(name_of(&fake(comm, &format!("/bin/{whole}"))), whole);
    let odd = "x日本語日本語";
    let cut = &odd.as_bytes()[..15];
    assert!(std::str::from_utf8(cut).is_err());
    assert_eq!(name_of(&fake(cut, &format!("/bin/{odd}"))), odd);
    assert_eq!(name_of(&fake(cut, "")), "x日本語日\u{fffd}");
}

#[test]
fn a_kernel_thread_has_no_program() {
    let mut kernel = fake(b"a-kernel-thread", "/bin/a-kernel-thread-not");
    kernel.flags = 0x0020_0000;
    assert_eq!(name_of(&kernel), "a-kernel-thread");
}

#[test]
fn exec_changes_the_name_in_the_next_sample() {
    let machine = Machine::new();
    let mut process = fake(b"sh", "/bin/sh");
    machine.put(&process);
    let mut collector = begin(&machine);
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, "sh");
    let first = "a-program-with-one-name";
    let second = "a-program-with-another";
    for name in [first, second] {
        // The second exec leaves `comm` as it is.
        process.comm = name.as_bytes()[..15].to_vec();
        process.exe = Some(format!("/usr/bin/{name}").into());
        process.cpu += ms(1);
        process.faults += 100;
        machine.put(&process);
        assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
    }
}

#[test]
fn completed_name_is_read_again_only_after_a_possible_exec() {
    let machine = Machine::new();
    let mut process = fake(b"a-program-with-", "/usr/bin/a-program-with-one-name");
    machine.put(&process);
    let mut collector = begin(&machine);
    sample(&machine, &mut collector);
    process.exe = Some("/usr/bin/a-program-with-another".into());
    process.cpu += ms(1);
    machine.put(&process);
    // The old name proves that the link was not read.
    let name = "a-program-with-one-name";
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
    process.started += ms(10);
    process.cpu += ms(1);
    machine.put(&process);
    let name = "a-program-with-another";
    assert_eq!(row(&sample(&machine, &mut collector), 70).name, name);
}
