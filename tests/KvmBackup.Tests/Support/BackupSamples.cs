using System.Security.Cryptography;
using KvmBackup.Storage;

namespace KvmBackup.Tests.Support;

/// <summary>Creates small complete backups.</summary>
public static class BackupSamples
{
    public static readonly byte[] Archive = "archive"u8.ToArray();

    public static async Task<CompletedBackup> PublishAsync(
        DomainDirectory domain, DomainLock held, string name = "web1", BackupId? id = null, BackupKind kind =
            BackupKind.Full, string? group = null)
    {
        await using PendingBackup pending = await domain.BeginAsync(id ?? ManifestSamples.Id, kind, held);
        Manifest manifest = Fill(pending, name, kind) with { Group = group };
        return await pending.PublishAsync(manifest, CancellationToken.None);
    }

    public static Manifest Fill(PendingBackup pending, string name = "web1", BackupKind kind = BackupKind.Full)
    {
        Manifest manifest = ManifestSamples.Create(name, pending.Id, kind, Archive.Length);
        manifest = manifest with
        {
            Archive = manifest.Archive with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(Archive)) },
        };
        Write(pending, manifest.Archive.FileName, Archive);
        Write(pending, manifest.Archive.IndexFileName, "index"u8.ToArray());
        return manifest;
    }

    public static BackupId IdOfDay(int day) => new(new DateTimeOffset(2026, 11, day, 2, 0, 0, TimeSpan.Zero));

    private static void Write(PendingBackup pending, string fileName, byte[] content)
    {
        using FileStream stream = pending.CreateFile(fileName);
        stream.Write(content);
    }
}
