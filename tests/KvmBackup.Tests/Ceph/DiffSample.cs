using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

/// <summary>
/// An image in a cluster that exists on paper only: what <c>rbd</c> would answer about it, and the stream that it would
/// send. Data are made of their place, so that each byte out of place is seen.
/// </summary>
internal sealed class DiffSample
{
    public const string Snapshot = "s2";

    public long SizeBytes { get; init; } = 64 << 20;

    public string? FromSnapshot { get; init; }

    /// <summary>What <c>rbd diff</c> tells.</summary>
    public required IReadOnlyList<ImageChange> Changes { get; init; }

    /// <summary>What <c>rbd export-diff</c> sends, where that is not the same.</summary>
    public IReadOnlyList<ImageChange>? Records { get; init; }

    public bool HasFastDiff { get; init; } = true;

    /// <summary>What a check of the object map says.</summary>
    public Reply Check { get; init; } = Reply.Good(string.Empty);

    /// <summary>What a check of the object map finds.</summary>
    public bool IsMapWrong { get; init; }

    public static RbdLocation Location { get; } = new(RbdImage.Parse("rbd/a"), RbdAccess.Default);

    /// <summary>A stream that rbd really sent.</summary>
    public static byte[] Recorded(string name, [CallerFilePath] string path = "") => File.ReadAllBytes(
        Path.Combine(Path.GetDirectoryName(path)!, "..", "Support", "Recordings", "rbd", $"{name}.bin"));

    public static byte ByteAt(long offset) => (byte)(1 + (offset % 251));

    /// <summary>The content of the image where there are data in both lists, zeros elsewhere.</summary>
    public byte[] Expected(long offset, int length)
    {
        byte[] content = new byte[length];
        foreach (ImageChange change in (Records ?? Changes).Where(one => one.IsData))
        {
            for (long at = Math.Max(offset, change.OffsetBytes); at < Math.Min(offset + length, change.EndBytes); at++)
            {
                content[at - offset] = ByteAt(at);
            }
        }

        return content;
    }

    /// <summary>The stream, made without any code of the program.</summary>
    public byte[] Stream(IReadOnlyList<ImageChange>? records = null)
    {
        MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write("rbd diff v1\n"u8);
        foreach ((char tag, string? name) in new[] { ('f', FromSnapshot), ('t', Snapshot) })
        {
            if (name is not null)
            {
                writer.Write(tag);
                writer.Write(name.Length);
                writer.Write(Encoding.ASCII.GetBytes(name));
            }
        }

        writer.Write('s');
        writer.Write(SizeBytes);
        foreach (ImageChange record in records ?? Records ?? Changes)
        {
            writer.Write(record.IsData ? 'w' : 'z');
            writer.Write(record.OffsetBytes);
            writer.Write(record.LengthBytes);
            for (long at = record.OffsetBytes; record.IsData && at < record.EndBytes; at++)
            {
                writer.Write(ByteAt(at));
            }
        }

        writer.Write('e');
        return stream.ToArray();
    }

    /// <summary>A cluster that answers so; the stream can be another.</summary>
    public RecordedShell Shell(Reply? stream = null)
    {
        string list = string.Join(',', Changes.Select(change => string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"offset":{{change.OffsetBytes}},"length":{{change.LengthBytes}},"exists":"{{(change.IsData ? "true" : "false")}}"}""")));
        return new RecordedShell()
            .On(" info ", Describe("[]"), Describe(IsMapWrong ? """["object map invalid","fast diff invalid"]""" : "[]"))
            .On("object-map check", Check)
            .On(" diff ", Reply.Good($"[{list}]"), Reply.Good($"[{list}]"))
            .On(" export-diff ", stream ?? Reply.Stream(Stream()));
    }

    private Reply Describe(string flags)
    {
        string features = HasFastDiff ? "\"object-map\",\"fast-diff\"" : "";
        return Reply.Good(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":"10b1a71ac71c","size":{{SizeBytes}},"object_size":4194304,"features":[{{features}}],"flags":{{flags}}}"""));
    }

    /// <summary>Reads a source whole, as the archive does, in pieces of a size.</summary>
    public static async Task<byte[]> ReadAsync(IExtentSource source, int pieceBytes, int widenBytes = 0)
    {
        byte[] content = new byte[source.SizeBytes];
        foreach (Extent extent in source.Extents)
        {
            long end = Math.Min(extent.EndBytes + widenBytes, source.SizeBytes);
            for (long offset = Math.Max(0, extent.OffsetBytes - widenBytes); offset < end; offset += pieceBytes)
            {
                int length = (int)Math.Min(pieceBytes, end - offset);

                // Whoever takes the bytes as they were before is caught.
                content.AsSpan((int)offset, length).Fill(0xee);
                await source.ReadAsync(offset, content.AsMemory((int)offset, length), default);
            }
        }

        return content;
    }
}
