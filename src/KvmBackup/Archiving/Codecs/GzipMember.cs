using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace KvmBackup.Archiving.Codecs;

/// <summary>
/// A chunk as a gzip member (RFC 1952) whose header has the length of the member in an extra field, so that the index
/// can be rebuilt from header to header. Every gzip program ignores the field.
/// </summary>
internal static class GzipMember
{
    public const int HeaderBytes = 24;

    /// <summary>The offset at which a compressor writes its plain header, so that the longer header can replace
    /// it.</summary>
    public const int PlainOffset = HeaderBytes - PlainHeaderBytes;

    private const int PlainHeaderBytes = 10;
    private const int TrailerBytes = 8;
    private const int LengthOffset = 16;
    private const byte DeflateMethod = 8;

    private static ReadOnlySpan<byte> HeaderStart =>
        [0x1f, 0x8b, DeflateMethod, 4, 0, 0, 0, 0, 0, 3, 12, 0, (byte)'K', (byte)'B', 8, 0];

    /// <summary>Checks the plain member that a compressor wrote, and replaces its header.</summary>
    /// <exception cref="InvalidDataException">It is not one complete member of that content length.</exception>
    public static ReadOnlyMemory<byte> Seal(Memory<byte> buffer, int plainLength, int chunkLength)
    {
        Span<byte> plain = buffer.Span.Slice(PlainOffset, plainLength);
        if (plainLength < PlainHeaderBytes + TrailerBytes)
        {
            throw new InvalidDataException($"only {plainLength} bytes");
        }

        if (plain[0] != 0x1f || plain[1] != 0x8b || plain[2] != DeflateMethod || plain[3] != 0)
        {
            throw new InvalidDataException("something that is no plain gzip member");
        }

        if (ContentLength(plain) != chunkLength)
        {
            throw new InvalidDataException($"{plainLength} bytes that do not end a member of {chunkLength} bytes");
        }

        int length = PlainOffset + plainLength;
        HeaderStart.CopyTo(buffer.Span);
        BinaryPrimitives.WriteInt64LittleEndian(buffer.Span[LengthOffset..], length);
        return buffer[..length];
    }

    /// <summary>The length of the member that starts with this header; null for another program's member.</summary>
    public static long? ReadLength(ReadOnlySpan<byte> header) =>
        header.Length >= HeaderBytes && header[..HeaderStart.Length].SequenceEqual(HeaderStart)
            ? BinaryPrimitives.ReadInt64LittleEndian(header[LengthOffset..])
            : null;

    /// <summary>The length of the content, from the end of the member.</summary>
    public static uint ContentLength(ReadOnlySpan<byte> member) =>
        BinaryPrimitives.ReadUInt32LittleEndian(member[^4..]);

    /// <summary>Opens a stream of fixed length over memory, which must belong to an array.</summary>
    public static MemoryStream Open(ReadOnlyMemory<byte> memory)
    {
        _ = MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> array);
        return new MemoryStream(array.Array!, array.Offset, array.Count, writable: true);
    }
}
