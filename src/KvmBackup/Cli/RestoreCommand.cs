using System.CommandLine;

namespace KvmBackup.Cli;

/// <summary>The command <c>restore</c>.</summary>
internal static class RestoreCommand
{
    private static readonly Argument<string> Reference = new("NAME[@ID]") { Description = BackupReference.Usage };

    private static readonly Option<string?> Target = new("--to")
    {
        Description = "restore the disks to this directory or as RBD images; default: to where they were",
        HelpName = "DIR|rbd:POOL[/NAMESPACE][/IMAGE]",
    };

    private static readonly Option<string?> NewName = new("--as")
    {
        Description = "restore a copy with this name, a new UUID and new MAC addresses",
        HelpName = "NEWNAME",
    };

    private static readonly Option<string?> Disk = new("--disk")
    {
        Description = "only this disk, such as vda",
        HelpName = "TARGET",
    };

    private static readonly Option<bool> Define = new("--define") { Description = "define the domain in libvirt" };

    private static readonly Option<bool> Start = new("--start") { Description = "define the domain and start it" };

    private static readonly Option<string?> Replace = new("--replace")
    {
        Description = "overwrite the disks and the definition of this domain",
        HelpName = "NAME",
    };

    private static readonly Option<string[]> ReplaceImage = new("--replace-image")
    {
        Description = "overwrite this RBD image",
        HelpName = "POOL/IMAGE",
    };

    private static readonly Option<string[]> ReplaceDevice = new("--replace-device")
    {
        Description = "overwrite this block device",
        HelpName = "PATH",
    };

    private static readonly Option<bool> DiscardSavedState = new("--discard-saved-state")
    {
        Description = "delete the saved memory of the replaced guest (virsh managedsave)",
    };

    private static readonly Option<bool> CreateNetworks = new("--create-networks")
    {
        Description = "create the networks and network filters of the backup that this host does not have",
    };

    private static readonly Option<string[]> Network = new("--network")
    {
        Description = "connect the cards of this network or bridge to this network of the host",
        HelpName = "OLD=NEW",
    };

    private static readonly Option<bool> WithoutMedia = new("--without-media")
    {
        Description = "leave CD-ROM and floppy drives empty",
    };

    private static readonly Option<string?> Emulator = new("--emulator")
    {
        Description = "define the domain with this emulator",
        HelpName = "PATH",
    };

    private static readonly Option<string?> Machine = new("--machine")
    {
        Description = "define the domain with this machine type, such as q35",
        HelpName = "TYPE",
    };

    private static readonly Option<bool> Salvage = new("--salvage")
    {
        Description = "restore all that is readable of a damaged backup; requires --to DIR",
    };

    private static readonly Option<bool> DryRun = new("--dry-run")
    {
        Description = "print what would be done, and change nothing",
    };

    public static Command Build(Func<ParseResult, Func<Session, Task<ExitCode>>, Task<int>> execute)
    {
        Command command = new("restore", "restore disks and the domain")
        {
            Reference, Target, NewName, Disk, Define, Start, Replace, ReplaceImage, ReplaceDevice,
            DiscardSavedState, CreateNetworks, Network, WithoutMedia, Emulator, Machine, Salvage, DryRun,
        };
        command.SetAction((parsed, _) => execute(parsed, async session =>
        {
            RestoreRequest request = Read(parsed, session);
            if (parsed.GetValue(Salvage))
            {
                return await SalvageAsync(session, request);
            }

            RestoreReport report = await session.Runs.Restore().RunAsync(
                request, session.Progress, session.CancellationToken);
            return session.Finish(ExitCode.Done, reports => reports.Print(report, request.IsDryRun));
        }));
        return command;
    }

    private static async Task<ExitCode> SalvageAsync(Session session, RestoreRequest request)
    {
        bool isMore = request is { NewName: not null } or { Define: true } or { Start: true } or { Replace: not null }
            or { IsDryRun: true } or { ReplacedImages.Count: > 0 } or { ReplacedDevices.Count: > 0 }
            or { DiscardsSavedState: true } or { CreatesNetworks: true } or { Host.IsEmpty: false };
        if (request.TargetDirectory is null || isMore)
        {
            throw new CliException(
                "--salvage only writes files to a directory: give --to DIR, and no other option but --disk.");
        }

        SalvageReport report = await session.Runs.Salvage().RunAsync(
            request, session.Progress, session.CancellationToken);
        return session.Finish(report.ExitCode, reports => reports.Print(report));
    }

    private static RestoreRequest Read(ParseResult parsed, Session session)
    {
        BackupReference reference = session.Find(parsed.GetValue(Reference)!);
        string? target = parsed.GetValue(Target);
        bool isCluster = target?.StartsWith(RbdDestination.Prefix, StringComparison.Ordinal) is true;
        return new RestoreRequest(
            reference.Domain,
            reference.IdPrefix,
            target is null || isCluster ? null : Path.GetFullPath(target),
            parsed.GetValue(NewName) is { } name ? new DomainName(name) : null,
            parsed.GetValue(Disk) is { } disk ? new DiskTarget(disk) : null,
            parsed.GetValue(Define),
            parsed.GetValue(Start),
            parsed.GetValue(Replace) is { } replaced ? new DomainName(replaced) : null,
            parsed.GetValue(DryRun))
        {
            Cluster = isCluster ? RbdDestination.Parse(target!) : null,
            CreatesNetworks = parsed.GetValue(CreateNetworks),
            DiscardsSavedState = parsed.GetValue(DiscardSavedState),
            Host = new HostEdit
            {
                Emulator = parsed.GetValue(Emulator) is { } emulator ? Path.GetFullPath(emulator) : null,
                Machine = parsed.GetValue(Machine),
                Networks = ReadNetworks(parsed.GetValue(Network) ?? []),
                RemovesMedia = parsed.GetValue(WithoutMedia),
            },
            ReplacedDevices = parsed.GetValue(ReplaceDevice) ?? [],
            ReplacedImages = [.. (parsed.GetValue(ReplaceImage) ?? []).Select(RbdImage.Parse)],
        };
    }

    private static Dictionary<string, string> ReadNetworks(string[] words)
    {
        Dictionary<string, string> networks = [];
        foreach (string word in words)
        {
            int end = word.IndexOf('=', StringComparison.Ordinal);
            if (end < 1 || end == word.Length - 1 || !networks.TryAdd(word[..end], word[(end + 1)..]))
            {
                throw new CliException(
                    $"--network requires OLD=NEW, with each OLD once, but '{word}' was given, for example --network "
                        + "br0=default.");
            }
        }

        return networks;
    }
}
