//! Tests of layered and image-based roots, as real machines have them.

use super::*;

/// The disks of a machine with these mounts, as "name mount point type total used available state".
async fn shown<const N: usize>(mounts: &str, stubs: [(&'static str, Stub); N]) -> Vec<String> {
    let tree = Tree::new(&[("proc/1/mountinfo", mounts)]);
    lines(&collect(tree.root(), Stubs::new(stubs)).await)
}

#[tokio::test]
async fn container_shows_its_root_and_no_bind_mounted_files() {
    let files = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"].map(|file| (file, Stub::File));
    let [a, b, c] = files;
    let stubs = Stubs::new([("/", Stub::Sizes(78, 12, 66, 10_000_000)), a, b, c]);
    assert_eq!(
        lines(&collect(machine("container"), stubs).await),
        ["overlay / overlay 78 12 66 Ok"]
    );
}

#[tokio::test]
async fn disk_under_a_layered_root_is_shown_once_and_as_the_root() {
    let tree = Tree::new(&[(
        "proc/self/mountinfo",
        "1 0 0:50 / / rw - overlay overlay rw\n\
         2 1 8:1 /docker/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n\
         3 1 8:1 /docker/volumes/data/_data /data rw - ext4 /dev/sda1 rw\n\
         4 1 8:17 / /mnt/other rw - ext4 /dev/sdb1 rw\n",
    )]);
    let stubs = Stubs::new([
        ("/", Stub::Sizes(78, 12, 66, 10_000_000)),
        ("/etc/hosts", Stub::File),
        ("/data", Stub::Sizes(78, 12, 66, 10_000_000)),
        ("/mnt/other", Stub::Sizes(78, 1, 77, 999)),
    ]);
    assert_eq!(
        lines(&collect(tree.root(), stubs).await),
        [
            "/dev/sda1 / ext4 78 12 66 Ok",
            "/dev/sdb1 /mnt/other ext4 78 1 77 Ok"
        ]
    );
}

#[tokio::test]
async fn composefs_root_is_no_disk_and_the_disk_with_its_data_is_shown_there() {
    let mounts = "70 1 0:38 / / ro,relatime shared:1 - overlay composefs ro,lowerdir+=/run/ostree/.private/cfsroot-lower,datadir+=/sysroot/ostree/repo/objects,redirect_dir=on,metacopy=on\n\
        71 70 0:35 /root /sysroot ro,relatime shared:2 - btrfs /dev/nvme0n1p3 rw,compress=zstd:1,subvolid=256,subvol=/root\n\
        72 70 0:35 /root/ostree/deploy/fedora/var /var rw,relatime shared:3 - btrfs /dev/nvme0n1p3 rw,subvolid=256,subvol=/root\n\
        75 70 259:2 / /boot rw,relatime shared:6 - ext4 /dev/nvme0n1p2 rw\n";
    let disk = Stub::Sizes(475, 40, 430, 0);
    let stubs = [
        ("/", Stub::Sizes(1, 1, 0, 0)),
        ("/sysroot", disk),
        ("/var", disk),
        ("/boot", Stub::Sizes(1, 0, 1, 65_536)),
    ];
    assert_eq!(
        shown(mounts, stubs).await,
        [
            "/dev/nvme0n1p3 / btrfs 475 40 430 Ok",
            "/dev/nvme0n1p2 /boot ext4 1 0 1 Ok",
        ]
    );
}

#[tokio::test]
async fn overlay_that_cannot_be_written_to_is_shown_unless_it_is_full_as_an_image() {
    let mounts = "1 0 0:50 / / ro - overlay overlay ro,lowerdir=/a:/b\n2 1 8:1 / /data rw - ext4 /dev/sda1 rw\n";
    let data = ("/data", Stub::Sizes(70, 1, 69, 9));
    let folder = ("/", Stub::Sizes(78, 12, 66, 10));
    let disk = "/dev/sda1 /data ext4 70 1 69 Ok";
    assert_eq!(
        shown(mounts, [folder, data]).await,
        ["overlay / overlay 78 12 66 Ok ro", disk]
    );
    let image = ("/", Stub::Sizes(1, 1, 0, 10));
    assert_eq!(shown(mounts, [image, data]).await, [disk]);
}

#[tokio::test]
async fn coreos_that_binds_its_deployment_looks_the_same_as_with_composefs() {
    let mounts = "70 1 8:4 /ostree/deploy/fedora-coreos/deploy/1f2e.0 / rw,relatime shared:1 - xfs /dev/sda4 rw,prjquota\n\
        71 70 8:4 / /sysroot ro,relatime shared:2 - xfs /dev/sda4 rw,prjquota\n\
        72 70 8:4 /ostree/deploy/fedora-coreos/var /var rw,relatime shared:3 - xfs /dev/sda4 rw,prjquota\n\
        75 70 8:3 / /boot ro,nosuid,nodev,relatime shared:6 - ext4 /dev/sda3 rw\n";
    let stubs = [
        ("/", Stub::Sizes(9, 3, 6, 5)),
        ("/boot", Stub::Sizes(1, 0, 1, 6)),
    ];
    let expected = ["/dev/sda4 / xfs 9 3 6 Ok", "/dev/sda3 /boot ext4 1 0 1 Ok"];
    assert_eq!(shown(mounts, stubs).await, expected);
}

#[tokio::test]
async fn raspberry_pi_os_on_an_overlay_in_memory_has_the_overlay_at_the_root_and_its_card() {
    let mounts = "24 1 0:23 / / rw,relatime - overlay overlayroot rw,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay,workdir=/media/root-rw/overlay-workdir/_\n\
        30 24 179:2 / /media/root-ro ro,relatime - ext4 /dev/mmcblk0p2 ro\n\
        31 24 0:22 / /media/root-rw rw,relatime - tmpfs tmpfs-root rw\n\
        32 24 179:1 / /boot/firmware ro,relatime - vfat /dev/mmcblk0p1 ro\n";
    let stubs = [
        ("/", Stub::Sizes(2, 0, 2, 500_000)),
        ("/media/root-ro", Stub::Sizes(29, 6, 21, 1_900_000)),
        ("/boot/firmware", Stub::Sizes(1, 0, 0, 0)),
    ];
    assert_eq!(
        shown(mounts, stubs).await,
        [
            "overlayroot / overlay 2 0 2 Ok",
            "/dev/mmcblk0p1 /boot/firmware vfat 1 0 0 Ok ro",
            "/dev/mmcblk0p2 /media/root-ro ext4 29 6 21 Ok ro",
        ]
    );
}

#[tokio::test]
async fn debian_live_has_its_overlay_at_the_root_whether_in_memory_or_persistent() {
    let overlay = "27 1 0:28 / / rw,noatime - overlay overlay rw,lowerdir=/run/live/rootfs/filesystem.squashfs/,upperdir=/run/live/overlay/rw,workdir=/run/live/overlay/work\n\
        30 27 8:17 / /run/live/medium ro,noatime - iso9660 /dev/sdb1 ro\n\
        31 27 7:0 / /run/live/rootfs/filesystem.squashfs ro,noatime - squashfs /dev/loop0 ro\n";
    let in_memory =
        format!("{overlay}32 27 0:27 / /run/live/overlay rw,noatime - tmpfs tmpfs rw\n");
    assert_eq!(
        shown(&in_memory, [("/", Stub::Sizes(8, 1, 7, 900))]).await,
        ["overlay / overlay 8 1 7 Ok"]
    );
    let persistent = format!(
        "{overlay}32 27 8:18 / /run/live/persistence/sdb2 rw,noatime - ext4 /dev/sdb2 rw\n"
    );
    let stick = Stub::Sizes(20, 4, 15, 900);
    assert_eq!(
        shown(
            &persistent,
            [("/", stick), ("/run/live/persistence/sdb2", stick)]
        )
        .await,
        ["/dev/sdb2 / ext4 20 4 15 Ok"]
    );
}

#[tokio::test]
async fn microos_btrfs_is_shown_once_and_its_etc_overlay_is_not() {
    let mounts = "60 1 0:33 /@/.snapshots/12/snapshot / ro,relatime shared:1 - btrfs /dev/vda3 rw,space_cache=v2,subvolid=280,subvol=/@/.snapshots/12/snapshot\n\
        61 60 0:33 /@/var /var rw,relatime shared:2 - btrfs /dev/vda3 rw,subvolid=266,subvol=/@/var\n\
        62 60 0:33 /@/root /root rw,relatime shared:3 - btrfs /dev/vda3 rw,subvolid=261,subvol=/@/root\n\
        63 60 0:40 / /etc rw,relatime shared:4 - overlay overlay rw,lowerdir=/sysroot/var/lib/overlay/11/etc,upperdir=/sysroot/var/lib/overlay/12/etc,workdir=/sysroot/var/lib/overlay/work-etc\n\
        64 60 254:2 / /boot/efi rw,relatime shared:5 - vfat /dev/vda2 rw\n";
    let stubs = [
        ("/", Stub::Sizes(24, 3, 20, 0)),
        ("/boot/efi", Stub::Sizes(1, 0, 1, 0)),
    ];
    let expected = [
        "/dev/vda3 / btrfs 24 3 20 Ok",
        "/dev/vda2 /boot/efi vfat 1 0 1 Ok",
    ];
    assert_eq!(shown(mounts, stubs).await, expected);
}

#[tokio::test]
async fn openwrt_shows_its_flash_at_the_root() {
    let mounts = "20 1 0:18 / / rw,noatime - overlay overlayfs:/overlay rw,lowerdir=/,upperdir=/overlay/upper,workdir=/overlay/work\n\
        21 20 254:0 / /rom ro,relatime - squashfs /dev/root ro\n\
        22 20 7:0 / /overlay rw,noatime - f2fs /dev/loop0 rw\n";
    let flash = Stub::Sizes(7, 2, 5, 40);
    assert_eq!(
        shown(mounts, [("/", flash), ("/overlay", flash)]).await,
        ["/dev/loop0 / f2fs 7 2 5 Ok"]
    );
}

#[tokio::test]
async fn two_disks_of_one_size_are_not_taken_for_a_root_and_what_is_under_it() {
    let mounts = "1 0 0:50 / / rw - overlay overlay rw,upperdir=/u\n2 1 8:1 / /data rw - ext4 /dev/sda1 rw\n";
    let stubs = [
        ("/", Stub::Sizes(78, 12, 66, 10)),
        ("/data", Stub::Sizes(78, 60, 18, 10)),
    ];
    assert_eq!(
        shown(mounts, stubs).await,
        [
            "overlay / overlay 78 12 66 Ok",
            "/dev/sda1 /data ext4 78 60 18 Ok"
        ]
    );
}

#[tokio::test]
async fn file_system_of_a_user_that_claims_the_sizes_of_the_root_does_not_take_its_place() {
    let mounts = "1 0 0:50 / / rw - overlay overlay rw,upperdir=/u\n\
        2 1 0:51 / /home/eve/x rw - fuse.x / rw,user_id=1000,allow_other\n";
    let sizes = Stub::Sizes(78, 12, 66, 10);
    assert_eq!(
        shown(mounts, [("/", sizes), ("/home/eve/x", sizes)]).await,
        [
            "overlay / overlay 78 12 66 Ok",
            "/ /home/eve/x fuse.x 78 12 66 Ok"
        ]
    );
}
