using KvmBackup.Archiving;
using KvmBackup.Cli;
using KvmBackup.Configuration;
using KvmBackup.Disks;
using KvmBackup.Hypervisor;
using KvmBackup.Journaling;
using KvmBackup.Runs;
using KvmBackup.Shell;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup;

/// <summary>Constructs the rooms, and turns what came of them into an exit code.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments) =>
        (int)await new CommandLine(Assemble, TimeProvider.System).RunAsync(arguments);

    private static RunSet Assemble(GlobalOptions options, ILogger log)
    {
        TimeProvider time = TimeProvider.System;
        ProgramShell shell = new(log, time);
        Virsh virsh = new(shell, options.ConnectUri);
        LibvirtHost host = new(virsh);
        GuestAgent agent = new(virsh, time);
        OverlaySnapshot snapshot = new(virsh);
        OverlayCommit commit = new(virsh, host, time, log);
        DomainDefiner definer = new(virsh);
        QemuImage images = new(shell);
        Archiver archiver = new(shell);
        Preflight preflight = new(host, images);
        BackupVerifier verifier = new(log);
        Lazy<HostSettings> settings = new(() => ConfigurationReader.Read(options.ConfigurationPath, HostSettings.ShortHostName));
        Lazy<BackupDirectory> target = new(() => new BackupDirectory(settings.Value.BackupDirectory, time));
        Lazy<BackupDirectory> source = new(() =>
            options.BackupDirectory is { } path ? new BackupDirectory(path, time) : target.Value);

        return new RunSet(
            () =>
            {
                OverlayRelease release = new(commit, definer, images, log);
                DomainBackup backup = new(
                    host, preflight, new DomainPinner(agent, snapshot, release, log), archiver,
                    verifier, new Retainer(log), target.Value, new Journal(settings.Value.StateDirectory, time),
                    settings.Value.HostName, time, log);
                DryRun dryRun = new(preflight, agent, snapshot, commit, target.Value, time);
                return new BackupRun(settings.Value, host, backup, dryRun, time, log);
            },
            () => new ListRun(source.Value),
            () => new VerifyRun(source.Value, verifier, time, log),
            () => new RestoreRun(source.Value, new RestorePreflight(host), images, definer, time, log),
            () => new PruneRun(settings.Value, target.Value, options.Wait, log),
            () => new CheckRun(settings.Value, host, agent, images, archiver, target.Value, preflight, time));
    }
}
