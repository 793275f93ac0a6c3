//! Tests of many, hung and automounted mounts: how many calls and rows they may take.

use std::fmt::Write;

use super::*;

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

/// So many mounts `/hung/N` that hang, with an options field that may depend on N; and `/srv`, which does not.
fn hanging(count: u32, kind: &str, options: impl Fn(u32) -> String) -> (String, Arc<Stubs>) {
    let mut mounts = String::new();
    let mut stubs = HashMap::from([("/srv", Stub::Sizes(20, 5, 15, 2))]);
    for n in 0..count {
        let (id, options) = (n + 2, options(n));
        writeln!(
            mounts,
            "{id} 1 0:{id} / /hung/{n} rw - {kind} dead:/{n} {options}"
        )
        .unwrap();
        stubs.insert(leak(format!("/hung/{n}")), Stub::Hangs);
    }
    mounts.push_str("9999 1 8:1 / /srv rw - ext4 /dev/sda1 rw\n");
    let stubs = Arc::new(Stubs {
        by_mount_point: stubs,
        ..Stubs::default()
    });
    (mounts, stubs)
}

#[tokio::test]
async fn many_hung_mounts_do_not_block_a_later_mount() {
    let mut mounts: Vec<_> = (0..20)
        .map(|n| {
            format!(
                "{} 1 0:{} / /hung/{n} rw - nfs4 dead:/{n} rw",
                n + 2,
                n + 40
            )
        })
        .collect();
    mounts.push("99 1 8:1 / /srv rw - ext4 /dev/sda1 rw".to_owned());
    let tree = Tree::new(&[("proc/1/mountinfo", &mounts.join("\n"))]);
    let mut stubs: HashMap<&'static str, Stub> = (0..20)
        .map(|n| {
            (
                &*Box::leak(format!("/hung/{n}").into_boxed_str()),
                Stub::Hangs,
            )
        })
        .collect();
    stubs.insert("/srv", Stub::Sizes(20, 5, 15, 2));
    let stubs = Arc::new(Stubs {
        by_mount_point: stubs,
        ..Stubs::default()
    });
    let disks = collect(tree.root(), Arc::clone(&stubs)).await;
    assert_eq!(disks.len(), 21);
    assert_eq!(disks[20].state(), DiskState::Ok);
    stubs.release();
}

/// Collects three times: what hangs is hung, the host's own disk is not. Gives how many calls hang.
async fn hung_calls(mounts: &str, stubs: Arc<Stubs>) -> u32 {
    let tree = Tree::new(&[("proc/1/mountinfo", mounts)]);
    let mut collector = DisksCollector::with(tree.root(), Arc::<Stubs>::clone(&stubs));
    for now in 0..3 {
        let disks = collector.collect(at_seconds(now)).await.unwrap().disks;
        let (own, hung): (Vec<_>, Vec<_>) = disks
            .iter()
            .partition(|disk| disk.mount_point.as_deref() == Some("/srv"));
        assert_eq!(own[0].state(), DiskState::Ok);
        assert!(hung.iter().all(|disk| disk.state() == DiskState::Hung));
    }
    stubs.release();
    *stubs.hung_asked.lock().unwrap()
}

#[tokio::test]
async fn hung_mounts_of_one_user_hold_four_calls_and_host_disks_are_read() {
    let user = |_| "rw,user_id=1000,group_id=1000,allow_other".to_owned();
    let (mounts, stubs) = hanging(127, "fuse.sshfs", user);
    assert_eq!(hung_calls(&mounts, stubs).await, 4);
}

#[tokio::test]
async fn hung_mounts_of_many_users_hold_eight_calls_and_host_disks_are_read() {
    let user = |n| format!("rw,user_id={},group_id=1000,allow_other", 1000 + n / 3);
    let (mounts, stubs) = hanging(120, "fuse.sshfs", user);
    assert_eq!(hung_calls(&mounts, stubs).await, 8);
}

#[tokio::test]
async fn hung_shares_of_root_hold_32_calls_and_host_disks_are_read() {
    let (mounts, stubs) = hanging(127, "nfs4", |_| "rw".to_owned());
    assert_eq!(hung_calls(&mounts, stubs).await, 32);
}

/// Collects once, with every file system well.
async fn of_mounts(mounts: &str) -> (Disks, u32) {
    struct Well(Mutex<u32>);
    impl FileSystems for Well {
        fn ask(&self, _: &Mount, _: &OwnMounts) -> io::Result<Found> {
            *self.0.lock().unwrap() += 1;
            Ok(Found::Sizes(Sizes {
                total_bytes: Some(GIB),
                ..Sizes::default()
            }))
        }
    }
    let tree = Tree::new(&[("proc/1/mountinfo", mounts)]);
    let well = Arc::new(Well(Mutex::default()));
    let mut collector = DisksCollector::with(tree.root(), Arc::<Well>::clone(&well));
    let disks = collector.collect(at_seconds(9)).await.unwrap();
    let asked = *well.0.lock().unwrap();
    (disks, asked)
}

fn mount_points(disks: &Disks) -> Vec<&str> {
    let points = disks.disks.iter().map(|disk| disk.mount_point.as_deref());
    points.map(Option::unwrap).collect()
}

#[tokio::test]
async fn thousands_of_user_mounts_do_not_crowd_out_host_disks() {
    let mut mounts = String::new();
    for n in 0..4000 {
        let (id, user) = (n + 10, 1000 + n / 1000);
        writeln!(
            mounts,
            "{id} 1 0:{id} / /a/{n} rw - fuse.x x{n} rw,user_id={user},allow_other"
        )
        .unwrap();
    }
    mounts.push_str("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv/deep/below/all rw - xfs /dev/sdb rw\n3 1 0:5 / /z/nas rw - nfs4 nas:/ rw\n");
    let (disks, asked) = of_mounts(&mounts).await;
    let points = mount_points(&disks);
    for own in ["/", "/srv/deep/below/all", "/z/nas"] {
        assert!(points.contains(&own), "{own} is missing");
    }
    // Sixteen of each user.
    assert_eq!((points.len(), asked), (4 * 16 + 3, 4 * 16 + 3));
    assert_eq!(disks.not_listed, Some(4 * (1000 - 16)));
}

#[tokio::test]
async fn disks_beyond_the_limit_are_counted_and_those_near_the_root_listed() {
    let mut mounts = String::from("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    for n in 2..1000 {
        writeln!(
            mounts,
            "{n} 1 0:{n} / /tank/{}/{n} rw - zfs tank/{n} rw",
            "d/".repeat(n % 9)
        )
        .unwrap();
    }
    mounts.push_str("5000 1 8:2 / /a/b/c/d/e/f/g/h/i/j/k rw - ext4 /dev/sda2 rw\n");
    let (disks, asked) = of_mounts(&mounts).await;
    let points = mount_points(&disks);
    assert_eq!((points.len(), asked), (256, 256));
    assert_eq!(disks.not_listed, Some(1000 - 256));
    assert!(points.contains(&"/") && points.contains(&"/a/b/c/d/e/f/g/h/i/j/k"));
    assert!(!points.iter().any(|point| point.contains("/d/d/d/")));
    assert!(points.is_sorted_by_key(std::path::Path::new));
}

#[tokio::test]
async fn few_disks_are_all_listed() {
    let (disks, _) = of_mounts("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n").await;
    assert_eq!((disks.disks.len(), disks.not_listed), (1, None));
}

#[tokio::test]
async fn disk_with_thousands_of_bind_mounts_is_read_through_a_few() {
    struct Files(Mutex<u32>);
    impl FileSystems for Files {
        fn ask(&self, _: &Mount, _: &OwnMounts) -> io::Result<Found> {
            *self.0.lock().unwrap() += 1;
            Ok(Found::File)
        }
    }
    let mut mounts = String::new();
    for n in 2..5000 {
        writeln!(mounts, "{n} 1 8:1 /f{n} /f{n} rw - ext4 /dev/sda1 rw").unwrap();
    }
    let tree = Tree::new(&[("proc/1/mountinfo", &mounts)]);
    let files = Arc::new(Files(Mutex::default()));
    let mut collector = DisksCollector::with(tree.root(), Arc::<Files>::clone(&files));
    assert_eq!(collector.collect(at_seconds(1)).await.unwrap().disks, []);
    assert_eq!(*files.0.lock().unwrap(), 32);
}

const AUTOMOUNTED: &str = "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
    101 28 0:40 / /mnt/nas rw,relatime - autofs systemd-1 rw,fd=52,pgrp=1,timeout=600,minproto=5,maxproto=5,direct,pipe_ino=5121\n";

#[tokio::test]
async fn automounted_share_is_read_seldom_enough_to_expire() {
    let mounted = |id| format!("{AUTOMOUNTED}{id} 101 0:41 / /mnt/nas rw - nfs4 nas:/export rw\n");
    let tree = Tree::new(&[("proc/1/mountinfo", &mounted(140))]);
    let share = Stub::Sizes(20, 5, 15, 2);
    let stubs = Stubs::new([("/", Stub::Sizes(10, 5, 5, 1)), ("/mnt/nas", share)]);
    let mut collector = DisksCollector::with(tree.root(), Arc::<Stubs>::clone(&stubs));
    let mut asked_at = Vec::new();
    let mut before = 0;
    let mut times: Vec<_> = (0..2000).step_by(5).collect();
    times.extend([2005, 2010]);
    for now in times {
        if now == 2005 {
            // It was unused, and then used.
            tree.write("proc/1/mountinfo", &mounted(141));
        }
        let disks = collector.collect(at_seconds(now)).await.unwrap().disks;
        assert_eq!(line(&disks[1]), "nas:/export /mnt/nas nfs4 20 5 15 Ok");
        let asked = *stubs.asked.lock().unwrap();
        // The card is asked each time.
        if asked - before == 2 {
            asked_at.push(now);
            assert_eq!(disks[1].sizes_boot_ms, None);
        } else {
            assert_eq!(disks[1].sizes_boot_ms, asked_at.last().map(|at| at * 1000));
        }
        assert_eq!(disks[0].sizes_boot_ms, None);
        before = asked;
    }
    assert_eq!(asked_at, [0, 1200, 2005]);
}

#[tokio::test]
async fn share_without_expiry_is_read_at_each_sample() {
    for mounts in [
        format!(
            "{}140 101 0:41 / /mnt/nas rw - nfs4 nas:/export rw\n",
            AUTOMOUNTED.replace("timeout=600", "timeout=0")
        ),
        "28 1 8:1 / / rw - ext4 /dev/sda1 rw\n140 28 0:41 / /mnt/nas rw - nfs4 nas:/export rw\n"
            .to_owned(),
    ] {
        let tree = Tree::new(&[("proc/1/mountinfo", &mounts)]);
        let share = Stub::Sizes(20, 5, 15, 2);
        let stubs = Stubs::new([("/", share), ("/mnt/nas", share)]);
        let mut collector = DisksCollector::with(tree.root(), Arc::<Stubs>::clone(&stubs));
        for now in 0..5 {
            collector.collect(at_seconds(now)).await.unwrap();
        }
        assert_eq!(*stubs.asked.lock().unwrap(), 10);
    }
}

#[test]
fn as_many_mounts_as_a_namespace_may_have_are_listed() {
    // Compared all with all, beside each other or on each other, this would take hours.
    let mut mounts = String::from("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    for id in 2..50_000 {
        writeln!(mounts, "{id} 1 0:{id} / /m/{id} rw - tmpfs x rw").unwrap();
    }
    for id in 50_000..100_000 {
        let parent = if id == 50_000 { 1 } else { id - 1 };
        writeln!(mounts, "{id} {parent} 0:{id} / /deep rw - zfs x{id} rw").unwrap();
    }
    let groups = filter::choose(mounts.as_bytes()).groups;
    let sources: Vec<_> = groups.iter().map(|group| &group.mounts[0].source).collect();
    assert_eq!(sources, ["/dev/sda1", "x99999"]);
}
