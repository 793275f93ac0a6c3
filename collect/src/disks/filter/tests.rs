//! Tests of the mount filter, on the mount tables of real machines.

use std::collections::HashSet;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::fixture::machine;

/// The groups as "source at mount point".
fn chosen(text: &[u8]) -> Vec<String> {
    choose(text)
        .groups
        .iter()
        .map(|group| {
            let shown = group.mount_point(0).unwrap();
            format!("{} at {}", group.mounts[0].source, shown.display())
        })
        .collect()
}

fn of_machine(name: &str, file: &str) -> Vec<String> {
    chosen(&std::fs::read(machine(name).path(file)).unwrap())
}

#[test]
fn raspberry_pi_shows_its_root_and_firmware_partitions() {
    for name in ["pi2", "pi4"] {
        assert_eq!(
            of_machine(name, "proc/1/mountinfo"),
            ["/dev/root at /", "/dev/mmcblk0p1 at /boot/firmware"],
            "{name}"
        );
    }
    // Its log folder is in memory, and bound from the card to another place.
    assert_eq!(
        of_machine("pi3", "proc/1/mountinfo"),
        ["/dev/mmcblk0p2 at /", "/dev/mmcblk0p1 at /boot/firmware"]
    );
    assert_eq!(
        of_machine("pi4-32bit", "proc/1/mountinfo"),
        [
            "/dev/sda2 at /",
            "/dev/sda1 at /boot/firmware",
            "/dev/sdb1 at /srv/media",
        ]
    );
    assert_eq!(
        of_machine("pi5", "proc/1/mountinfo"),
        [
            "/dev/nvme0n1p2 at /",
            "/dev/nvme0n1p1 at /boot/firmware",
            "/dev/sda1 at /media/pi/My Stick",
            "nas.lan:/export/media at /mnt/nas",
        ]
    );
}

#[test]
fn a_server_with_lvm_snaps_bind_mounts_and_docker_and_the_same_in_a_sandbox() {
    let expected = [
        "/dev/mapper/ubuntu--vg-ubuntu--lv at /",
        "/dev/sda2 at /boot",
        "/dev/sda1 at /boot/efi",
        "/dev/sdc1 at /mnt/archive",
        "/dev/sdb1 at /srv/backup",
    ];
    assert_eq!(of_machine("x86-server", "proc/1/mountinfo"), expected);
    assert_eq!(of_machine("x86-server", "proc/self/mountinfo"), expected);
}

#[test]
fn a_container_has_its_overlay_and_the_files_bound_into_it() {
    // The latter are distinguished when their sizes are read.
    assert_eq!(
        of_machine("container", "proc/1/mountinfo"),
        ["overlay at /", "/dev/sda1 at /etc/hosts"]
    );
}

#[test]
fn btrfs_subvolumes_are_one_disk_and_it_is_shown_at_the_root() {
    let text = b"30 1 0:27 /@ / rw,noatime shared:1 - btrfs /dev/nvme0n1p3 rw,ssd,subvolid=256,subvol=/@\n\
        60 30 0:27 /@home /home rw,noatime shared:31 - btrfs /dev/nvme0n1p3 rw,ssd,subvolid=257,subvol=/@home\n\
        61 30 0:27 / /mnt/top rw,noatime shared:32 - btrfs /dev/nvme0n1p3 rw,ssd,subvolid=5,subvol=/\n\
        62 30 0:44 /data /srv rw,noatime shared:33 - btrfs /dev/sdb rw,subvolid=258,subvol=/data\n";
    assert_eq!(chosen(text), ["/dev/nvme0n1p3 at /", "/dev/sdb at /srv"]);
}

#[test]
fn every_zfs_dataset_and_network_share_is_a_disk() {
    let text = b"25 1 0:22 / / rw,relatime - zfs rpool/ROOT/pve-1 rw,xattr,noacl\n\
        60 25 0:50 / /tank rw,relatime - zfs tank rw,xattr,noacl\n\
        61 60 0:51 / /tank/media rw,relatime - zfs tank/media rw,xattr,noacl\n\
        62 25 0:52 / /etc/pve rw,nosuid,nodev,relatime - fuse /dev/fuse rw,user_id=0,group_id=0\n\
        63 25 0:60 / /mnt/a rw,relatime - nfs4 nas:/export/a rw,vers=4.2\n\
        64 25 0:60 / /mnt/b rw,relatime - nfs4 nas:/export/b rw,vers=4.2\n\
        65 25 0:60 / /mnt/a-again rw,relatime - nfs4 nas:/export/a rw,vers=4.2\n\
        66 25 0:61 / /mnt/smb rw,relatime - cifs //nas/share rw,vers=3.1.1\n\
        67 25 0:62 / /mnt/ssh rw,nosuid,nodev,relatime - fuse.sshfs admin@box:/srv rw,user_id=0\n\
        68 25 8:1 / /mnt/ntfs rw,relatime - fuseblk /dev/sda1 rw,user_id=0,blksize=4096\n\
        69 25 0:63 / /tmp/.mount_a rw,nosuid - fuse.Nextcloud.AppImage Nextcloud.AppImage ro\n";
    assert_eq!(
        chosen(text),
        [
            "rpool/ROOT/pve-1 at /",
            "nas:/export/a at /mnt/a",
            "nas:/export/b at /mnt/b",
            "/dev/sda1 at /mnt/ntfs",
            "//nas/share at /mnt/smb",
            "admin@box:/srv at /mnt/ssh",
            "tank at /tank",
            "tank/media at /tank/media",
        ]
    );
}

#[test]
fn memory_and_kernel_file_systems_are_not_disks() {
    let text = b"1 0 0:1 / / rw - tmpfs tmpfs rw\n2 1 0:2 / /proc rw - proc proc rw\n\
        3 1 0:3 / /run/credentials/a.service ro - ramfs ramfs rw\n4 1 0:4 / /sys/fs/bpf rw - bpf bpf rw\n\
        5 1 0:5 / /dev/hugepages rw - hugetlbfs hugetlbfs rw\n6 1 0:6 / /srv/x rw - overlay overlay rw\n\
        7 1 0:7 / /s rw - autofs /etc/auto.misc rw\n8 1 0:8 / /e rw - ecryptfs /home/.e rw\n";
    assert_eq!(chosen(text), Vec::<String>::new());
}

#[test]
fn covered_root_that_names_itself_as_its_parent_does_not_hide_the_disk_over_it() {
    let text = b"1 1 0:1 / / rw - rootfs rootfs rw\n2 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
    assert_eq!(chosen(text), ["/dev/sda1 at /"]);
}

#[test]
fn share_below_an_automounter_expires_after_its_timeout() {
    let text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
        2 1 0:40 / /net rw - autofs auto.net rw,fd=6,timeout=300,indirect\n\
        3 2 0:41 / /net/a rw - nfs4 nas:/a rw\n4 3 0:42 / /net/a/b rw - nfs4 nas:/b rw\n\
        5 1 0:43 / /mnt rw - autofs systemd-1 rw,direct\n6 5 0:44 / /mnt rw - nfs4 nas:/c rw\n\
        7 1 0:45 / /boot rw - autofs systemd-1 rw,timeout=0\n8 7 8:2 / /boot rw - vfat /dev/sda2 rw\n";
    let after: Vec<_> = choose(text)
        .groups
        .iter()
        .map(|group| group.mounts[0].expires_after.map(|after| after.as_secs()))
        .collect();
    assert_eq!(after, [None, None, Some(600), Some(300), Some(300)]);
}

proptest! {
    #[test]
    fn all_mounts_of_a_disk_are_in_one_group(
        mounts in prop::collection::vec((1..4_u32, 0..4_u32, "[a-c]{1,2}", 0..3_usize), 0..32),
    ) {
        let lines: Vec<_> = mounts
            .iter()
            .enumerate()
            .map(|(id, (major, minor, point, kind))| {
                let kind = ["ext4", "nfs4", "btrfs"][*kind];
                format!("{} 1 {major}:{minor} / /{point}{id} rw - {kind} {point} rw", id + 2)
            })
            .collect();
        let groups = choose(lines.join("\n").as_bytes()).groups;
        let keys: HashSet<_> = groups.iter().map(|group| &group.key).collect();
        prop_assert_eq!(keys.len(), groups.len());
        prop_assert_eq!(groups.iter().map(|group| group.mounts.len()).sum::<usize>(), mounts.len());
        for group in &groups {
            prop_assert!(group.mounts.iter().all(|mount| mount.device == group.key.device));
            let shortest = group.mounts.iter().map(|mount| mount.mount_point.as_os_str().len()).min();
            prop_assert_eq!(group.mount_point(0).map(|point| point.as_os_str().len()), shortest);
        }
        prop_assert!(groups.is_sorted_by_key(|group| group.mount_point(0).map(Path::to_owned)));
    }
}
