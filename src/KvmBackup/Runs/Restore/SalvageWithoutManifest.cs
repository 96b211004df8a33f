using KvmBackup.Archiving;
using KvmBackup.Archiving.Chunks;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Transfer;
using KvmBackup.Storage;
using Microsoft.Win32.SafeHandles;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>
/// Extracts the files of an archive without a manifest, by the headers in the archive and with the names in it.
/// </summary>
internal sealed class SalvageWithoutManifest(ILogger log)
{
    /// <param name="remains">The archive.</param>
    /// <param name="request">The folder, and an optional disk.</param>
    /// <param name="notes">Receives notes for the report.</param>
    /// <param name="record">Records the unfinished files.</param>
    /// <exception cref="KvmBackupException">The archive is unreadable, or the folder is not writable.</exception>
    public async Task<IReadOnlyList<SalvagedFile>> RunAsync(
        BackupWithoutManifest remains, RestoreRequest request, List<string> notes, IRestoreRecord? record,
        TransferMonitor monitor,
        CancellationToken cancellationToken)
    {
        log.Information("{Domain}: salvaging {Archive} without a manifest", request.Domain, remains.ArchiveName);
        notes.Add($"{remains.Reason} The names are those in the archive, and no content is verified by a checksum");
        ManifestArchive archive =
            new(remains.ArchiveName, remains.ArchiveName + ".index", remains.Method, 0, 0, string.Empty);
        using SafeFileHandle handle = ArchiveFile.Open(remains.DirectoryPath, archive);
        ArchiveIndex index =
            await ArchiveFile.SalvageIndexAsync(handle, remains.DirectoryPath, archive, [], cancellationToken);
        (ArchiveReader reader, IReadOnlyList<ArchiveMember> members) =
            await ArchiveReader.ScanAsync(handle, index, remains.Method, cancellationToken);
        List<SalvagedFile> files = [];
        foreach (ArchiveMember member in members.Where(member => IsWanted(member, request.Disk)))
        {
            string path =
                Path.Combine(request.TargetDirectory!, $"{request.Domain.FileName}-{member.Name.Split('/')[^1]}");
            try
            {
                files.Add(await SalvageRun.WriteAsync(reader, member, path, record, monitor, cancellationToken));
            }
            catch (ArchivingException failure)
            {
                notes.Add($"{member.Name} was not written: {failure.Message}");
            }
        }

        return members.Count > 0 ? files : throw new RunsException(
            $"no file was found in {Path.Combine(remains.DirectoryPath, remains.ArchiveName)}", ExitCode.DamageFound);
    }

    private static bool IsWanted(ArchiveMember member, DiskTarget? disk) =>
        disk is null || member.Name.Split('/')[^1].StartsWith($"{disk}.", StringComparison.Ordinal);
}
