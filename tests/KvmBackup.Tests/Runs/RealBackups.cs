using KvmBackup.Archiving;
using KvmBackup.Storage;
using KvmBackup.Tests.Archiving;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Runs;

/// <summary>Published backups whose archives are real, in chunks of 8 KiB.</summary>
internal static class RealBackups
{
    public static readonly DomainName Web1 = new("web1");
    public static readonly SparseContent Vda = new(150_000, [new(0, 512), new(4096, 30_001), new(100_000, 20_000)], 2);
    public static readonly SparseContent Vdb = SparseContent.Whole(40_000, 3);

    /// <param name="xml">The definition in the archive.</param>
    /// <param name="forge">Changes the manifest before it is written.</param>
    /// <param name="vda">The first disk; null for the usual one.</param>
    /// <param name="network">The definition of the network <c>lan</c>; null for none.</param>
    public static async Task<CompletedBackup> PublishAsync(
        BackupDirectory target, BackupId id, string xml = "<domain/>", Func<Manifest, Manifest>? forge = null,
        CompressionMethod method = CompressionMethod.Gzip, int chunkBytes = 8 << 10, IExtentSource? vda = null,
        string? network = null)
    {
        string name = "web1" + Compression.FileExtension(method);
        using DomainLock held = await target.ForDomain(Web1).LockAsync(TimeSpan.Zero, CancellationToken.None);
        await using PendingBackup pending = await target.ForDomain(Web1).BeginAsync(id, BackupKind.Full, held);
        List<ArchiveMember> members = [];
        ArchiveSummary summary;
        await using (FileStream archive = pending.CreateFile(name))
        {
            await using ArchiveWriter writer = new(
                archive, new Compression(method, Threads: 2), SampleArchive.RealShell,
                SampleArchive.ModifiedAt, chunkBytes);
            members.Add(
                await writer.AddAsync(
                    "web1/domain.xml", System.Text.Encoding.UTF8.GetBytes(xml), CancellationToken.None));
            members.Add(await writer.AddAsync("web1/vda.raw", vda ?? Vda, null, CancellationToken.None));
            members.Add(await writer.AddAsync("web1/vdb.raw", Vdb, null, CancellationToken.None));
            if (network is not null)
            {
                members.Add(
                    await writer.AddAsync(
                        "web1/network-1.xml", System.Text.Encoding.UTF8.GetBytes(network), CancellationToken.None));
            }

            summary = await writer.CompleteAsync(CancellationToken.None);
        }

        await using (FileStream index = pending.CreateFile(name + ".index"))
        {
            await summary.Index.WriteToAsync(index, CancellationToken.None);
        }

        Manifest manifest = Describe(id, members, summary, name, method);
        return await pending.PublishAsync(forge?.Invoke(manifest) ?? manifest, CancellationToken.None);
    }

    private static Manifest Describe(
        BackupId id, List<ArchiveMember> members, ArchiveSummary summary, string name, CompressionMethod method)
    {
        ManifestDisk Disk(string disk, ArchiveMember member) => new(
            new DiskTarget(disk), BackupKind.Full, member.SizeBytes,
            [new ManifestLayer(
                $"{disk}.raw", "raw", $"/images/{disk}.raw", false, member.ContentXxh128, member.SizeBytes)]);
        return ManifestSamples.Create(id: id) with
        {
            Archive = new ManifestArchive(
                name, name + ".index", method, summary.SizeBytes, summary.TarBytes, summary.Sha256),
            Disks = [Disk("vda", members[1]), Disk("vdb", members[2])],
            Files = [],
            Members = members,
            Definitions = members.Count == 3 ? []
                : [new SavedDefinition(RequirementKind.Network, "lan", "network-1.xml")],
            Autostart = true,
        };
    }
}
