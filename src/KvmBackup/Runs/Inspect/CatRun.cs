using KvmBackup.Archiving;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Inspect;

/// <summary>Reads a range of bytes of one disk or file of a backup, without reading the preceding data.</summary>
public sealed class CatRun(BackupDirectory target, ILogger log)
{
    private const int BufferBytes = 1 << 20;
    private const int ChunksAtOnce = 6;

    /// <param name="request">The request.</param>
    /// <param name="output">Receives the bytes; holes are written as zeros.</param>
    /// <exception cref="KvmBackupException">There is no such disk or file, or the range is damaged; the bytes already
    /// written are correct.</exception>
    public async Task RunAsync(CatRequest request, Stream output, CancellationToken cancellationToken)
    {
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        using OpenBackups open = new();
        open.Add(await BackupReader.OpenAsync(backup, log, cancellationToken));
        ManifestDisk? disk = backup.Manifest.Disks.FirstOrDefault(other => other.Target.Value == request.Name);
        if (disk is null || DiskForms.Of(disk) != DiskForm.Chain)
        {
            ArchiveMember member = FindMember(backup, disk, request.Name);
            Extent range = RangeOf(request, member.SizeBytes);
            await using MemberReader reader = open[backup.Id].Reader.OpenMember(member, [range], ChunksAtOnce);
            await CopyAsync(reader, range, output, cancellationToken);
            return;
        }

        ImageAssembly assembly = ImageAssembly.Plan(backup, disk.Target, backups.List().Backups);
        Extent requested = RangeOf(request, assembly.SizeBytes);
        assembly = assembly.Within(requested);
        foreach (AssemblyLink link in assembly.Links.Where(link => link.Backup.Id != backup.Id))
        {
            open.Add(await BackupReader.OpenAsync(link.Backup, log, cancellationToken));
        }

        await using AssembledDisk image = AssembledDisk.Open(assembly, id => open[id], ChunksAtOnce);
        await CopyAsync(image.Content, requested, output, cancellationToken);
    }

    private static ArchiveMember FindMember(CompletedBackup backup, ManifestDisk? disk, string name) =>
        backup.Manifest.FindMember(disk?.Layers[0].FileName ?? name) ?? throw new RunsException(
            $"{backup.Domain}@{backup.Id} has neither a disk nor a file '{name}'; it contains the disks "
                + $"{string.Join(", ", backup.Manifest.Disks.Select(other => other.Target))} and the files "
            + string.Join(", ", backup.Manifest.Members.Select(member => Path.GetFileName(member.Name)))
            + ".", ExitCode.Usage);

    private static Extent RangeOf(CatRequest request, long sizeBytes)
    {
        if (request.OffsetBytes > sizeBytes)
        {
            throw new RunsException(
                $"{request.Name} has {sizeBytes} bytes; the offset {request.OffsetBytes} is "
                + "beyond its end.", ExitCode.Usage);
        }

        return new Extent(
            request.OffsetBytes, Math.Min(request.LengthBytes ?? long.MaxValue, sizeBytes - request.OffsetBytes));
    }

    private static async Task CopyAsync(
        IExtentSource source, Extent range, Stream output, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[BufferBytes];
        for (long offset = range.OffsetBytes; offset < range.EndBytes; offset += BufferBytes)
        {
            Memory<byte> bytes = buffer.AsMemory(0, (int)Math.Min(BufferBytes, range.EndBytes - offset));
            await source.ReadAsync(offset, bytes, cancellationToken);
            try
            {
                await output.WriteAsync(bytes, cancellationToken);
            }
            catch (IOException failure)
            {
                throw new RunsException($"Writing to the output failed: {failure.Message}", ExitCode.Failed, failure);
            }
        }

        await output.FlushAsync(cancellationToken);
    }
}
