using System.Buffers;
using ICSharpCode.SharpZipLib;
using ICSharpCode.SharpZipLib.BZip2;

namespace KvmBackup.Archiving.Codecs;

/// <summary>A chunk as a bzip2 stream, by SharpZipLib. Several of them one after the other are a bzip2 file.</summary>
/// <param name="level">1 to 9: blocks of so many hundred kilobytes.</param>
public sealed class Bzip2Codec(int level) : ICodec
{
    private long uncollectedBytes;

    public ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        using MemoryStream output = GzipMember.Open(room);
        using (BZip2OutputStream bzip2 = new(output, level) { IsStreamOwner = false })
        {
            bzip2.Write(chunk.Span);
        }

        CollectArrays(chunk.Length);
        return new(room[..(int)output.Position]);
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        int length = Read(packed, room);
        CollectArrays(length);
        return length == room.Length ? room : throw new InvalidDataException("it does not unpack to its length");
    }

    /// <summary>The length of what a stream unpacks to.</summary>
    /// <param name="packed">The stream.</param>
    /// <param name="limitBytes">More than this it cannot be.</param>
    /// <exception cref="InvalidDataException">It is no whole stream, or more.</exception>
    internal static int CountContent(ReadOnlyMemory<byte> packed, int limitBytes)
    {
        byte[] room = ArrayPool<byte>.Shared.Rent(limitBytes);
        try
        {
            return Read(packed, room.AsMemory(0, limitBytes));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(room);
        }
    }

    /// <summary>The library makes its arrays anew for each stream and keeps none: left to themselves those of many chunks lie
    /// about, half a gigabyte of them. A collection is nothing beside the second that so much content takes.</summary>
    private void CollectArrays(int contentBytes)
    {
        uncollectedBytes += contentBytes;
        if (uncollectedBytes >= ChunkSize.DefaultBytes)
        {
            uncollectedBytes = 0;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
        }
    }

    private static int Read(ReadOnlyMemory<byte> packed, Memory<byte> room)
    {
        try
        {
            using MemoryStream input = GzipMember.Open(packed);
            using BZip2InputStream bzip2 = new(input) { IsStreamOwner = false };
            int length = bzip2.ReadAtLeast(room.Span, room.Length, throwOnEndOfStream: false);

            // Only a read beyond the content reaches the checksum of the whole.
            return bzip2.ReadByte() < 0 && input.Position == input.Length
                ? length
                : throw new InvalidDataException("it unpacks to more than its length, or something follows it");
        }
        catch (Exception failure) when (failure is SharpZipBaseException or IndexOutOfRangeException or EndOfStreamException)
        {
            // The library does not check every number of a damaged stream before it uses it.
            throw new InvalidDataException($"it is no whole bzip2 stream: {failure.Message}", failure);
        }
    }

    public void Dispose()
    {
        // Holds nothing between chunks.
    }
}
