//! Which types of file systems hold data of their own.

use super::mountinfo::Line;

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

/// Whether it holds data of its own.
pub(super) fn holds_data(mount: &Line<'_>) -> bool {
    let kind = mount.file_system();
    let on_a_device = mount.device.major != 0 && !IMAGES.contains(&kind);
    on_a_device || POOLS.contains(&kind) || REMOTE.contains(&kind) || is_fuse_storage(mount)
}

/// Whether a server answers for it, on another machine or in another process.
pub(super) fn is_served(kind: &str) -> bool {
    REMOTE.contains(&kind) || kind == "fuse" || kind.starts_with("fuse.")
}

/// Whether it lays folders over one another.
pub(super) fn is_layers(mount: &Line<'_>) -> bool {
    LAYERS.contains(&mount.file_system())
}

/// Whether it is an image, or shows one: an overlay without an upper layer.
pub(super) fn is_image(mount: &Line<'_>) -> bool {
    let kind = mount.file_system();
    IMAGES.contains(&kind) || kind == "overlay" && mount.option("upperdir").is_none()
}

fn is_fuse_storage(mount: &Line<'_>) -> bool {
    match mount.file_system().strip_prefix("fuse") {
        // A program that is its own device has no storage: Proxmox' /etc/pve.
        Some("") => mount.source != b"/dev/fuse",
        Some(subtype) => subtype.strip_prefix('.').is_some_and(|subtype| {
            !FUSE_VIEWS.contains(&subtype) && !subtype.to_ascii_lowercase().ends_with(".appimage")
        }),
        None => false,
    }
}
