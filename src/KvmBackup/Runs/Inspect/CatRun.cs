using KvmBackup.Archiving;
using KvmBackup.Planning;
using KvmBackup.Runs.Archives;
using KvmBackup.Storage;
using Serilog;

namespace KvmBackup.Runs.Inspect;

/// <summary>Reads a run of bytes of one disk or file of a backup, without what lies before it.</summary>
public sealed class CatRun(BackupDirectory target, ILogger log)
{
    private const int PieceBytes = 1 << 20;
    private const int ChunksAtOnce = 6;

    /// <param name="request">What is wanted.</param>
    /// <param name="output">Takes the bytes; holes come as zeros.</param>
    /// <exception cref="KvmBackupException">There is no such thing, or it is damaged there; what was written before is good.</exception>
    public async Task RunAsync(CatRequest request, Stream output, CancellationToken cancellationToken)
    {
        DomainDirectory backups = target.ForDomain(request.Domain);
        CompletedBackup backup = backups.Find(request.IdPrefix);
        Dictionary<BackupId, BackupReader> open = [];
        try
        {
            open.Add(backup.Id, await BackupReader.OpenAsync(backup, log, cancellationToken));
            ManifestDisk? disk = backup.Manifest.Disks.FirstOrDefault(other => other.Target.Value == request.Name);
            if (disk is null || DiskForms.Of(disk) != DiskForm.Chain)
            {
                ArchiveMember member = FindMember(backup, disk, request.Name);
                Extent run = RunOf(request, member.SizeBytes);
                await using MemberReader reader = open[backup.Id].Reader.OpenMember(member, [run], ChunksAtOnce);
                await CopyAsync(reader, run, output, cancellationToken);
                return;
            }

            ImageAssembly assembly = ImageAssembly.Plan(backup, disk.Target, backups.List().Backups);
            Extent wanted = RunOf(request, assembly.SizeBytes);
            assembly = assembly.Within(wanted);
            foreach (AssemblyLink link in assembly.Links.Where(link => link.Backup.Id != backup.Id))
            {
                open.Add(link.Backup.Id, await BackupReader.OpenAsync(link.Backup, log, cancellationToken));
            }

            await using AssembledDisk image = AssembledDisk.Open(assembly, id => open[id], ChunksAtOnce);
            await CopyAsync(image.Content, wanted, output, cancellationToken);
        }
        finally
        {
            foreach (BackupReader one in open.Values)
            {
                one.Dispose();
            }
        }
    }

    private static ArchiveMember FindMember(CompletedBackup backup, ManifestDisk? disk, string name) =>
        backup.Manifest.FindMember(disk?.Layers[0].FileName ?? name) ?? throw new RunsException(
            $"{backup.Domain}@{backup.Id} has neither a disk nor a file '{name}'; it holds the disks "
            + $"{string.Join(", ", backup.Manifest.Disks.Select(other => other.Target))} and the files "
            + string.Join(", ", backup.Manifest.Members.Select(member => Path.GetFileName(member.Name))) + ".", ExitCode.Usage);

    private static Extent RunOf(CatRequest request, long sizeBytes)
    {
        if (request.OffsetBytes > sizeBytes)
        {
            throw new RunsException($"{request.Name} has {sizeBytes} bytes; none lies at {request.OffsetBytes}.", ExitCode.Usage);
        }

        return new Extent(
            request.OffsetBytes, Math.Min(request.LengthBytes ?? long.MaxValue, sizeBytes - request.OffsetBytes));
    }

    private static async Task CopyAsync(IExtentSource source, Extent run, Stream output, CancellationToken cancellationToken)
    {
        byte[] piece = new byte[PieceBytes];
        for (long offset = run.OffsetBytes; offset < run.EndBytes; offset += PieceBytes)
        {
            Memory<byte> bytes = piece.AsMemory(0, (int)Math.Min(PieceBytes, run.EndBytes - offset));
            await source.ReadAsync(offset, bytes, cancellationToken);
            try
            {
                await output.WriteAsync(bytes, cancellationToken);
            }
            catch (IOException failure)
            {
                throw new RunsException($"The output takes no more: {failure.Message}", ExitCode.Failed, failure);
            }
        }

        await output.FlushAsync(cancellationToken);
    }
}
