//! Which mounts are disks: file systems that hold data of their own, each once.

use std::path::Path;

use super::mountinfo::{Device, Mount};

/// Types whose content is a file elsewhere that cannot be written to: an image's size says nothing.
const IMAGES: [&str; 5] = ["squashfs", "iso9660", "erofs", "cramfs", "romfs"];

/// Types on a block device of no number of its own, or on many.
const POOLS: [&str; 4] = ["btrfs", "zfs", "bcachefs", "ubifs"];

/// Types whose data is another machine's, or the machine's that this one runs in.
const REMOTE: [&str; 20] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ncpfs",
    "afs",
    "coda",
    "ceph",
    "glusterfs",
    "lustre",
    "beegfs",
    "gpfs",
    "orangefs",
    "pvfs2",
    "9p",
    "virtiofs",
    "vboxsf",
    "vmhgfs",
    "prl_fs",
];

/// Subtypes of FUSE that show what is elsewhere, or nothing that is stored.
const FUSE_VIEWS: [&str; 15] = [
    "portal",
    "lxcfs",
    "gvfsd-fuse",
    "snapfuse",
    "squashfuse",
    "squashfuse_ll",
    "archivemount",
    "fuse-archive",
    "rofiles-fuse",
    "revokefs-fuse",
    "vmware-vmblock",
    "bindfs",
    "fuse-overlayfs",
    "unionfs",
    "kio-fuse",
];

/// Types that lay folders over one another. Only at `/` do they stand for a disk: a container's, or that of a
/// system that runs on an overlay.
const LAYERS: [&str; 5] = [
    "overlay",
    "aufs",
    "unionfs",
    "fuse.fuse-overlayfs",
    "fuse.unionfs",
];

/// One disk: a row, should the file system answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) key: Key,
    /// The places where it is mounted, the one to show first.
    pub(super) mounts: Vec<Mount>,
    /// A layered root: a row only where no other shows the disk that is under it.
    pub(super) layered: bool,
}

/// What makes two mounts the same disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    device: Device,
    /// Shares of one server's file system have one device, but were mounted each for its own sake.
    share: Option<String>,
}

/// Groups the mounts that are disks, in the order of the mount points that are to be shown.
pub(super) fn choose(mounts: Vec<Mount>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for mount in mounts {
        let layered = is_layered_root(&mount);
        if !layered && !holds_data(&mount) {
            continue;
        }
        let key = Key {
            device: mount.device,
            share: is_remote(&mount.file_system).then(|| mount.source.clone()),
        };
        match groups.iter_mut().find(|group| group.key == key) {
            Some(group) => group.mounts.push(mount),
            None => groups.push(Group {
                key,
                mounts: vec![mount],
                layered,
            }),
        }
    }
    for group in &mut groups {
        group.mounts.sort_by_key(preference);
    }
    groups.sort_by(|a, b| shown_at(a).cmp(&shown_at(b)));
    groups
}

fn shown_at(group: &Group) -> Option<&Path> {
    Some(group.mounts.first()?.mount_point.as_path())
}

/// `/` is where one looks first, even where it is a subvolume; then a mount of the whole file system goes before
/// bind mounts of parts; then the shortest path.
fn preference(mount: &Mount) -> (bool, bool, usize) {
    let slash = Path::new("/");
    (
        mount.mount_point != slash,
        mount.root != slash,
        mount.mount_point.as_os_str().len(),
    )
}

fn is_layered_root(mount: &Mount) -> bool {
    mount.mount_point == Path::new("/") && LAYERS.contains(&mount.file_system.as_str())
}

fn holds_data(mount: &Mount) -> bool {
    let kind = mount.file_system.as_str();
    let on_a_device = mount.device.major != 0 && !IMAGES.contains(&kind);
    on_a_device || POOLS.contains(&kind) || REMOTE.contains(&kind) || is_fuse_storage(mount)
}

fn is_remote(kind: &str) -> bool {
    REMOTE.contains(&kind) || kind == "fuse" || kind.starts_with("fuse.")
}

fn is_fuse_storage(mount: &Mount) -> bool {
    match mount.file_system.strip_prefix("fuse") {
        // A program that calls its device the source tells of no storage: Proxmox' /etc/pve.
        Some("") => mount.source != "/dev/fuse",
        Some(subtype) => subtype.strip_prefix('.').is_some_and(|subtype| {
            !FUSE_VIEWS.contains(&subtype) && !subtype.to_ascii_lowercase().ends_with(".appimage")
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::mountinfo::{parse, reachable};
    use super::*;
    use crate::collect::fixture::machine;

    /// The groups as "source at mount point".
    fn chosen(text: &[u8]) -> Vec<String> {
        choose(reachable(parse(text)))
            .into_iter()
            .map(|group| {
                let shown = &group.mounts[0];
                format!("{} at {}", shown.source, shown.mount_point.display())
            })
            .collect()
    }

    fn of_machine(name: &str, file: &str) -> Vec<String> {
        chosen(&std::fs::read(machine(name).path(file)).unwrap())
    }

    #[test]
    fn pis() {
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
        // The latter are told apart when they are asked.
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
    fn zfs_datasets_and_network_shares_are_disks_each() {
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
    fn memory_and_kernel_interfaces_are_no_disks() {
        let text = b"1 0 0:1 / / rw - tmpfs tmpfs rw\n2 1 0:2 / /proc rw - proc proc rw\n\
            3 1 0:3 / /run/credentials/a.service ro - ramfs ramfs rw\n4 1 0:4 / /sys/fs/bpf rw - bpf bpf rw\n\
            5 1 0:5 / /dev/hugepages rw - hugetlbfs hugetlbfs rw\n6 1 0:6 / /srv/x rw - overlay overlay rw\n\
            7 1 0:7 / /s rw - autofs /etc/auto.misc rw\n8 1 0:8 / /e rw - ecryptfs /home/.e rw\n";
        assert_eq!(chosen(text), Vec::<String>::new());
    }
}
