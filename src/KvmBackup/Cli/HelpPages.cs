namespace KvmBackup.Cli;

/// <summary>The help of all commands.</summary>
internal static class HelpPages
{
    private static readonly HelpExitCode Done = new("0", "success");
    private static readonly HelpExitCode Failed = new("1", "failure");

    private static readonly HelpExitCode Usage =
        new("2", "wrong usage or configuration, or refused before any change");

    private static readonly HelpExitCode SomeFailed = new("3", "some domains failed, the others are backed up");
    private static readonly HelpExitCode Damage = new("4", "a backup is damaged");

    private static readonly HelpExitCode Manual =
        new("5", "manual action required in a guest: the message states the commands");

    private static readonly HelpExitCode Locked = new("11", "another run holds the lock");
    private static readonly HelpExitCode Interrupted = new("130, 143", "interrupted by a signal, after cleaning up");

    public static IReadOnlyList<HelpPage> All { get; } =
    [
        new(
            string.Empty, ["[OPTION...] COMMAND [ARGUMENT...]", "help COMMAND"],
            "Backs up running KVM guests and Ceph RBD images to archives that plain tar unpacks, and restores them.",
            [
                new("Backing up", "run", "backup"),
                new("Inspecting backups", "list", "show", "verify", "compare"),
                new("Restoring", "restore", "assemble", "cat"),
                new("Maintenance", "check", "prune", "recover", "snapshots", "help"),
            ],
            [
                new("Check the configuration and this host:", "kvmbackup check"),
                new("Back up each domain that is due, for example from cron:", "kvmbackup run --quiet"),
                new("Restore a copy of a guest beside the original:",
                    "kvmbackup restore web1 --as web1-copy --to /var/lib/libvirt/images --define"),
            ],
            [Done, Failed, Usage, SomeFailed, Damage, Manual, Locked, Interrupted]),
        new(
            "run", ["run [--domain A,B] [--force] [--dry-run] [--wait SECONDS]"],
            "Backs up each domain and image that is due today, applies the retention, and first recovers what an "
                + "interrupted run left. This is the command for cron.",
            [],
            [
                new("Back up what is due, and print only what requires attention:", "kvmbackup run --quiet"),
                new("Print the commands of a run for two domains, whatever the day:",
                    "kvmbackup run --domain web1,db1 --force --dry-run"),
            ],
            [Done, Failed, Usage, SomeFailed, Damage, Manual, Locked, Interrupted]),
        new(
            "backup", ["backup NAME... [--dry-run] [--wait SECONDS]"],
            "Backs up the named domains or images now, whatever their schedule.",
            [],
            [
                new("Back up a domain before maintenance:", "kvmbackup backup web1"),
                new("Print the commands of a backup, and run none:", "kvmbackup backup web1 --dry-run"),
            ],
            [Done, Failed, Usage, SomeFailed, Damage, Manual, Locked, Interrupted]),
        new(
            "list", ["list [NAME]"],
            "Lists all backups, or those of one domain, the newest first, and the directories that are not usable "
                + "as a backup.",
            [],
            [
                new("List all backups:", "kvmbackup list"),
                new("List backups without a configuration, for example on another host:",
                    "kvmbackup list --backupdir /mnt/backup/cloud1"),
            ],
            [Done, new("1", "failure, or a directory cannot be read"), Usage, Damage]),
        new(
            "show", ["show NAME[@ID] [--files]"],
            "Prints all facts about one backup: consistency, sizes, disks, sources and warnings.",
            [],
            [
                new("Show the newest backup of a domain:", "kvmbackup show web1"),
                new("Show the backup of a day with every file of its archive:",
                    "kvmbackup show web1@2026-11-20 --files"),
            ],
            [Done, Failed, new("2", "wrong usage or configuration, or no such backup"), Damage]),
        new(
            "verify",
            ["verify NAME[@ID] [--checksums | --sample SHARE]", "verify --all [--checksums | --sample SHARE]"],
            "Reads a backup and reports each damaged place with the files that it affects. By default every byte is "
                + "read, unpacked and compared with its checksum.",
            [new("Which backups", "--all"), new("How much is read", "--checksums", "--sample")],
            [
                new("Verify the newest backup of a domain:", "kvmbackup verify web1"),
                new("Read a twentieth of each backup, other places each time:", "kvmbackup verify --all --sample 5%"),
            ],
            [Done, new("1", "failure, or no backup was found"), Usage, Damage, Interrupted]),
        new(
            "restore",
            [
                "restore NAME[@ID] [--replace NAME] [--disk TARGET] [--define] [--start]",
                "restore NAME[@ID] --to DIR|rbd:POOL [--as NEWNAME] [--define] [--start]",
                "restore NAME[@ID] --to DIR --salvage [--disk TARGET]",
            ],
            "Restores disks, and the domain if requested. Existing disks and domains are overwritten only where "
                + "an option names them.",
            [
                new("Destination", "--to", "--as", "--disk"),
                new("Domain", "--define", "--start"),
                new("Other host", "--create-networks", "--network", "--without-media", "--emulator", "--machine"),
                new("Overwriting", "--replace", "--replace-image", "--replace-device", "--discard-saved-state"),
                new("Mode", "--salvage", "--dry-run"),
            ],
            [
                new("Restore a guest in place and start it:", "kvmbackup restore web1 --replace web1 --start"),
                new("Restore a guest on another host:",
                    "kvmbackup restore web1 --backupdir /mnt/backup/cloud1 --start --create-networks"),
                new("Restore one disk of an earlier backup into a directory:",
                    "kvmbackup restore web1@2026-11-20 --disk vda --to /srv/restored"),
                new("Define a copy of a guest with another name:",
                    "kvmbackup restore web1 --as web1-copy --to /srv/copy --define"),
            ],
            [
                Done, Failed, Usage, new("4", "the backup is damaged; with --salvage: something is lost"), Manual,
                Interrupted,
            ]),
        new(
            "assemble", ["assemble NAME[@ID] --to FILE [--disk TARGET] [--format raw|qcow2]"],
            "Writes one disk, as it was at a backup, to one raw or qcow2 file. The increments are applied; no Ceph "
                + "cluster and no libvirt is required.",
            [],
            [
                new("Write the only disk of the newest backup to a raw file:",
                    "kvmbackup assemble web1 --to /srv/web1.raw"),
                new("Write a disk of an earlier backup to a qcow2 file:",
                    "kvmbackup assemble web1@2026-11-20 --disk vdb --to /srv/vdb.qcow2"),
            ],
            [Done, Failed, Usage, Damage, Interrupted]),
        new(
            "cat", ["cat NAME[@ID] DISK|FILE [--offset BYTES] [--length BYTES]"],
            "Writes bytes of a disk, or of a file of the archive, to standard output. The archive is read from the "
                + "requested offset only.",
            [],
            [
                new("Print the domain definition of a backup:", "kvmbackup cat web1 domain.xml"),
                new("Print the partition table of a disk:",
                    "kvmbackup cat web1 vda --length 512 | file -"),
            ],
            [Done, Failed, Usage, Damage, Interrupted, new("141", "the reader closed the pipe")]),
        new(
            "compare", ["compare NAME[@ID] [DISK...] [--wait SECONDS]"],
            "Compares a backup with its source and reports each place that differs. A running guest is captured by a "
                + "snapshot, as for a backup.",
            [],
            [
                new("Compare the newest backup with the guest:", "kvmbackup compare web1"),
                new("Compare one disk of an earlier backup:", "kvmbackup compare web1@2026-11-20 vda"),
            ],
            [
                Done, Failed, Usage, new("4", "a difference was found, or the backup is damaged"), Manual, Locked,
                Interrupted,
            ]),
        new(
            "prune", ["prune [--dry-run] [--wait SECONDS]"],
            "Applies the retention of the configuration now and prints the reason for each backup.",
            [],
            [
                new("Print what the retention would delete:", "kvmbackup prune --dry-run"),
                new("Apply the retention, waiting up to ten minutes for another run:", "kvmbackup prune --wait 600"),
            ],
            [Done, Failed, Usage, Damage, Locked, Interrupted]),
        new(
            "recover", ["recover [--wait SECONDS]"],
            "Undoes what an interrupted run left: thaws guests, commits overlays, removes unfinished files. Each "
                + "'kvmbackup run' begins with it.",
            [],
            [
                new("Recover after a crash of the host:", "kvmbackup recover"),
                new("Wait up to five minutes for a run that is still active:", "kvmbackup recover --wait 300"),
            ],
            [Done, Failed, Usage, Manual, Locked, Interrupted]),
        new(
            "check", ["check"],
            "Checks the configuration, the programs, the backup directory and each domain, changes nothing, and prints "
                + "a hint for each problem.",
            [],
            [
                new("Check before the first backup:", "kvmbackup check"),
                new("Print the findings for a monitoring system:", "kvmbackup check --json"),
            ],
            [Done, new("1", "backups would fail"), Usage, Damage, Interrupted]),
        new(
            "snapshots", ["snapshots list|trim|reset [NAME...]"],
            "Lists or removes the snapshots that kvmbackup keeps in Ceph clusters. The next increment of an image "
                + "depends on them.",
            [new("Commands", "list", "trim", "reset")],
            [
                new("List all snapshots with their purpose:", "kvmbackup snapshots list"),
                new("Print what would be removed:", "kvmbackup snapshots trim --dry-run"),
            ],
            [Done, Failed, Usage, Locked, Interrupted]),
        new(
            "snapshots list", ["snapshots list [NAME...]"],
            "Lists the snapshots of kvmbackup in Ceph clusters, each with its purpose.",
            [],
            [
                new("List the snapshots of all domains and images:", "kvmbackup snapshots list"),
                new("List those of one domain as JSON:", "kvmbackup snapshots list web1 --json"),
            ],
            [Done, Failed, Usage, Interrupted]),
        new(
            "snapshots trim", ["snapshots trim [NAME...] [--dry-run] [--wait SECONDS]"],
            "Removes the snapshots that no backup requires.",
            [],
            [
                new("Print what would be removed:", "kvmbackup snapshots trim --dry-run"),
                new("Remove those of one domain:", "kvmbackup snapshots trim web1"),
            ],
            [Done, Failed, Usage, Locked, Interrupted]),
        new(
            "snapshots reset", ["snapshots reset NAME... [--dry-run] [--wait SECONDS]"],
            "Removes all snapshots of these domains and images. Their next backup is a full one.",
            [],
            [
                new("Print what would be removed:", "kvmbackup snapshots reset web1 --dry-run"),
                new("Remove the snapshots of two domains:", "kvmbackup snapshots reset web1 db1"),
            ],
            [Done, Failed, Usage, Locked, Interrupted]),
        new(
            "help", ["help [COMMAND]"], "Prints the help of a command, as 'kvmbackup COMMAND --help' does.",
            [],
            [
                new("Print the list of commands:", "kvmbackup help"),
                new("Print the help of a command:", "kvmbackup help restore"),
            ],
            [Done, Usage]),
    ];

    /// <summary>The page of a command of <see cref="CommonOptions.NameOf"/>.</summary>
    public static HelpPage Find(string? command) => All.First(page => page.Command == (command ?? string.Empty));
}
