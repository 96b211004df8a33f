using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs.Archives;

/// <summary>A backup that is read from: its small files were checked first, for they say what lies where.</summary>
public sealed class BackupReader : IDisposable
{
    private readonly SafeFileHandle handle;

    private BackupReader(CompletedBackup backup, SafeFileHandle handle, ArchiveReader reader, IReadOnlyList<ArchiveDamage> damages)
    {
        this.handle = handle;
        Backup = backup;
        Reader = reader;
        Damages = damages;
    }

    public CompletedBackup Backup { get; }

    public ArchiveReader Reader { get; }

    /// <summary>What is damaged and can be done without.</summary>
    public IReadOnlyList<ArchiveDamage> Damages { get; }

    /// <exception cref="KvmBackupException">Manifest or archive cannot be relied on.</exception>
    public static async Task<BackupReader> OpenAsync(CompletedBackup backup, ILogger log, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        DemandManifest(backup, damages);
        ManifestArchive archive = backup.Manifest.Archive;
        SafeFileHandle handle = ArchiveFile.Open(backup.DirectoryPath, archive);
        try
        {
            (ArchiveIndex index, ArchiveDamage? damage) =
                await ArchiveFile.FindIndexAsync(handle, backup.DirectoryPath, archive, damages, cancellationToken);
            damages = damage is null ? damages : [.. damages, damage];
            if (damages.Any(other => other.File == archive.IndexFileName))
            {
                log.Warning("{Domain}: the index of {Id} was made again from the archive", backup.Domain, backup.Id);
            }

            return new BackupReader(backup, handle, new ArchiveReader(handle, index, archive.Compression), damages);
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens one of which only parts can be had: what is not there is found when it is read.</summary>
    /// <exception cref="KvmBackupException">Not even the manifest can be read.</exception>
    public static async Task<BackupReader> OpenDamagedAsync(CompletedBackup backup, ILogger log, CancellationToken cancellationToken)
    {
        IReadOnlyList<ArchiveDamage> damages = BackupIntegrity.VerifyFiles(backup);
        ManifestArchive archive = backup.Manifest.Archive;
        SafeFileHandle handle = ArchiveFile.Open(backup.DirectoryPath, archive);
        try
        {
            ArchiveIndex index = await ArchiveFile.SalvageIndexAsync(handle, backup.DirectoryPath, archive, damages, cancellationToken);
            log.Information("{Domain}: getting what can be had out of {Id}", backup.Domain, backup.Id);
            return new BackupReader(backup, handle, new ArchiveReader(handle, index, archive.Compression), damages);
        }
        catch (Exception)
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A member below the domain's folder, <c>vda.qcow2</c>.</summary>
    /// <exception cref="RunsException">There is none.</exception>
    public ArchiveMember Member(string fileName) => Backup.Manifest.FindMember(fileName)
        ?? throw new RunsException($"{Backup.Domain}@{Backup.Id} holds no {fileName}.", ExitCode.DamageFound);

    public void Dispose() => handle.Dispose();

    /// <summary>It says what goes where: a path with one wrong letter would be written to like any other.</summary>
    private static void DemandManifest(CompletedBackup backup, IReadOnlyList<ArchiveDamage> damages)
    {
        if (damages.FirstOrDefault(damage => damage.File == BackupFiles.Manifest) is not { } damage)
        {
            return;
        }

        string archive = ShellWord.Quote(Path.Combine(backup.DirectoryPath, backup.Manifest.Archive.FileName));
        throw new RunsException(
            $"{backup.Domain}@{backup.Id}: {damage.File}: {damage.Reason.TrimEnd('.')}. Nothing was restored, for it says what goes where. "
            + $"Restore another backup, or this one by hand: tar -xSf {archive}, then follow RESTORE.md in it",
            ExitCode.DamageFound);
    }
}
