using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Ceph;

/// <summary>
/// A simulated image: the answers of <c>rbd</c> about it, and the stream that <c>rbd</c> would send. Each byte depends
/// on its offset, so that a misplaced byte is detected.
/// </summary>
internal sealed class DiffSample
{
    public const string Snapshot = "s2";

    public long SizeBytes { get; init; } = 64 << 20;

    public string? FromSnapshot { get; init; }

    /// <summary>The output of <c>rbd diff</c>.</summary>
    public required IReadOnlyList<ImageChange> Changes { get; init; }

    /// <summary>The records of <c>rbd export-diff</c>; null for those of the diff.</summary>
    public IReadOnlyList<ImageChange>? Records { get; init; }

    public bool HasFastDiff { get; init; } = true;

    /// <summary>The answer to a check of the object map.</summary>
    public Reply Check { get; init; } = Reply.Good(string.Empty);

    /// <summary>Whether the object map is invalid after its check.</summary>
    public bool IsMapWrong { get; init; }

    public static RbdLocation Location { get; } = new(RbdImage.Parse("rbd/a"), RbdAccess.Default);

    /// <summary>A recorded stream of rbd.</summary>
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

    /// <summary>The stream, built without code of the program.</summary>
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

    /// <summary>A process runner that gives these answers, optionally with another stream.</summary>
    public RecordedShell Shell(Reply? stream = null)
    {
        string list = string.Join(',', Changes.Select(Format));
        string flags = IsMapWrong ? """["object map invalid","fast diff invalid"]""" : "[]";
        return new RecordedShell()
            .On(" info ", Describe("[]"), Describe(flags))
            .On("object-map check", Check)
            .On(" diff ", Reply.Good($"[{list}]"), Reply.Good($"[{list}]"))
            .On(" export-diff ", stream ?? Reply.Stream(Stream()));
    }

    private static string Format(ImageChange change)
    {
        string exists = change.IsData ? "true" : "false";
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"offset":{{change.OffsetBytes}},"length":{{change.LengthBytes}},"exists":"{{exists}}"}""");
    }

    private Reply Describe(string flags)
    {
        string features = HasFastDiff ? "\"object-map\",\"fast-diff\"" : "";
        return Reply.Good(string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            {"id":"10b1a71ac71c","size":{{SizeBytes}},"object_size":4194304,"features":[{{features}}],"flags":{{flags}}}
            """));
    }

    /// <summary>Reads all of a source in pieces, as the archive does.</summary>
    public static async Task<byte[]> ReadAsync(IExtentSource source, int pieceBytes, int widenBytes = 0)
    {
        byte[] content = new byte[source.SizeBytes];
        foreach (Extent extent in source.Extents)
        {
            long end = Math.Min(extent.EndBytes + widenBytes, source.SizeBytes);
            for (long offset = Math.Max(0, extent.OffsetBytes - widenBytes); offset < end; offset += pieceBytes)
            {
                int length = (int)Math.Min(pieceBytes, end - offset);

                // Reveals a read that does not fill the buffer.
                content.AsSpan((int)offset, length).Fill(0xee);
                await source.ReadAsync(offset, content.AsMemory((int)offset, length), default);
            }
        }

        return content;
    }
}
