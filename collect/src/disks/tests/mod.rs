//! Tests of the disk collector on real mount tables, with file systems that answer, fail and hang.

mod limits;
mod machines;

use std::collections::HashMap;
use std::io;
use std::sync::{Condvar, Mutex};

use super::file_systems::OwnMounts;
use super::mountinfo::Mount;
use super::sizes::Sizes;
use super::*;
use crate::disks::sizes::Found;
use crate::fixture::{Tree, at_seconds, machine};

/// Replaces the kernel: by mount point.
#[derive(Clone, Copy)]
enum Stub {
    /// Total, used and available GiB; files.
    Sizes(u64, u64, u64, u64),
    File,
    Denied,
    Hangs,
}

#[derive(Default)]
struct Stubs {
    by_mount_point: HashMap<&'static str, Stub>,
    /// Whether file systems that hang may go on, and how often one was asked.
    released: (Mutex<bool>, Condvar),
    hung_asked: Mutex<u32>,
    /// How often any was asked.
    asked: Mutex<u32>,
}

impl Stubs {
    fn new<const N: usize>(stubs: [(&'static str, Stub); N]) -> Arc<Self> {
        Arc::new(Self {
            by_mount_point: stubs.into(),
            ..Self::default()
        })
    }

    fn release(&self) {
        *self.released.0.lock().unwrap() = true;
        self.released.1.notify_all();
    }
}

const GIB: u64 = 1024 * 1024 * 1024;

impl FileSystems for Stubs {
    fn ask(&self, mount: &Mount, _: &OwnMounts) -> io::Result<Found> {
        *self.asked.lock().unwrap() += 1;
        match self.by_mount_point[mount.mount_point.to_str().unwrap()] {
            Stub::Sizes(total, used, available, files) => Ok(Found::Sizes(Sizes {
                total_bytes: Some(total * GIB),
                used_bytes: Some(used * GIB),
                available_bytes: Some(available * GIB),
                files,
            })),
            Stub::File => Ok(Found::File),
            Stub::Denied => Err(io::ErrorKind::PermissionDenied.into()),
            Stub::Hangs => {
                *self.hung_asked.lock().unwrap() += 1;
                let released = self.released.0.lock().unwrap();
                drop(
                    self.released
                        .1
                        .wait_while(released, |released| !*released)
                        .unwrap(),
                );
                Ok(Found::Sizes(Sizes {
                    total_bytes: Some(GIB),
                    used_bytes: Some(0),
                    available_bytes: Some(0),
                    files: 0,
                }))
            }
        }
    }
}

async fn collect(root: Root, stubs: Arc<Stubs>) -> Vec<Disk> {
    let mut collector = DisksCollector::with(root, stubs);
    collector.collect(at_seconds(9)).await.unwrap().disks
}

/// A disk as "name mount point type total used available state ro".
fn line(disk: &Disk) -> String {
    let size = |bytes: Option<u64>| bytes.map_or("?".to_owned(), |bytes| (bytes / GIB).to_string());
    format!(
        "{} {} {} {} {} {} {:?}{}",
        disk.name,
        disk.mount_point.as_deref().unwrap(),
        disk.file_system.as_deref().unwrap(),
        size(disk.total_bytes),
        size(disk.used_bytes),
        size(disk.available_bytes),
        disk.state(),
        if disk.read_only.unwrap() { " ro" } else { "" },
    )
}

fn lines(disks: &[Disk]) -> Vec<String> {
    disks.iter().map(line).collect()
}

#[tokio::test]
async fn raspberry_pi_disk_is_named_by_its_device() {
    let card = [
        "/dev/mmcblk0p2 / ext4 29 6 21 Ok",
        "/dev/mmcblk0p1 /boot/firmware vfat 1 0 0 Ok",
    ];
    let drives = [
        "/dev/sda2 / ext4 29 6 21 Ok",
        "/dev/sda1 /boot/firmware vfat 1 0 0 Ok",
        "/dev/sdb1 /srv/media ext4 14901 9000 5150 Ok",
    ];
    for (name, expected) in [
        ("pi2", card.as_slice()),
        ("pi3", &card),
        ("pi4", &card),
        ("pi4-32bit", &drives),
    ] {
        let stubs = Stubs::new([
            ("/", Stub::Sizes(29, 6, 21, 1_900_000)),
            ("/boot/firmware", Stub::Sizes(1, 0, 0, 0)),
            ("/srv/media", Stub::Sizes(14_901, 9_000, 5_150, 488_000_000)),
        ]);
        let disks = collect(machine(name), stubs).await;
        assert_eq!(lines(&disks), expected, "{name}");
    }
}

#[tokio::test]
async fn failing_file_systems_of_a_server_have_unknown_sizes() {
    let stubs = Stubs::new([
        ("/", Stub::Sizes(98, 40, 53, 6_500_000)),
        ("/var/www", Stub::Sizes(98, 40, 53, 6_500_000)),
        ("/var/snap/lxd/common/ns", Stub::Denied),
        ("/boot", Stub::Denied),
        ("/boot/efi", Stub::Sizes(0, 0, 0, 0)),
        ("/srv/backup", Stub::Sizes(3726, 2000, 1726, 390_000_000)),
        ("/mnt/archive", Stub::Sizes(916, 870, 0, 61_000_000)),
    ]);
    assert_eq!(
        lines(&collect(machine("x86-server"), stubs).await),
        [
            "/dev/mapper/ubuntu--vg-ubuntu--lv / ext4 98 40 53 Ok",
            "/dev/sda2 /boot ext4 ? ? ? Unreadable",
            "/dev/sdc1 /mnt/archive ext4 916 870 0 Ok ro",
            "/dev/sdb1 /srv/backup xfs 3726 2000 1726 Ok",
        ]
    );
}

#[tokio::test]
async fn hung_mount_is_reported_and_blocks_neither_others_nor_the_next_sample() {
    let tree = Tree::new(&[(
        "proc/1/mountinfo",
        "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
         2 1 0:41 / /mnt/a rw - nfs4 dead:/a rw\n\
         3 1 0:42 / /mnt/b rw - fuse.sshfs dead:/b rw\n\
         4 1 8:2 / /srv rw - ext4 /dev/sda2 rw\n",
    )]);
    let stubs = Stubs::new([
        ("/", Stub::Sizes(10, 5, 5, 1)),
        ("/mnt/a", Stub::Hangs),
        ("/mnt/b", Stub::Hangs),
        ("/srv", Stub::Sizes(20, 5, 15, 2)),
    ]);
    let mut collector = DisksCollector::with(tree.root(), Arc::<Stubs>::clone(&stubs));
    let expected = [
        "/dev/sda1 / ext4 10 5 5 Ok",
        "dead:/a /mnt/a nfs4 ? ? ? Hung",
        "dead:/b /mnt/b fuse.sshfs ? ? ? Hung",
        "/dev/sda2 /srv ext4 20 5 15 Ok",
    ];
    for now in 0..3 {
        let disks = collector.collect(at_seconds(now)).await.unwrap().disks;
        assert_eq!(lines(&disks), expected, "collection {now}");
    }
    assert_eq!(*stubs.hung_asked.lock().unwrap(), 2);
    stubs.release();
    // Their threads need a moment to get going.
    let disks = loop {
        let disks = collector.collect(at_seconds(9)).await.unwrap().disks;
        if disks.iter().all(|disk| disk.state() == DiskState::Ok) {
            break disks;
        }
    };
    assert_eq!(line(&disks[1]), "dead:/a /mnt/a nfs4 1 0 0 Ok");
}

#[tokio::test]
async fn missing_mount_table_is_a_clear_error() {
    let tree = Tree::new(&[]);
    let error = DisksCollector::new(tree.root())
        .collect(at_seconds(1))
        .await
        .unwrap_err();
    assert!(error.message.contains("/proc/self/mountinfo"), "{error:?}");
}

#[tokio::test]
async fn the_running_system_gives_sizes_that_add_up() {
    let disks = DisksCollector::new(Root::default())
        .collect(Now::read())
        .await
        .unwrap();
    for disk in &disks.disks {
        if disk.state() == DiskState::Ok {
            assert!(disk.total_bytes > Some(0), "{disk:?}");
            assert!(disk.used_bytes <= disk.total_bytes, "{disk:?}");
            assert!(disk.available_bytes <= disk.total_bytes, "{disk:?}");
        }
    }
}
