using System.IO.Compression;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Tells beforehand, and cheaply, what a compressor would make of a chunk.</summary>
public static class Compressibility
{
    private const int Samples = 32;
    private const int SampleBytes = 4096;

    /// <summary>What shrinks by less than this is not worth the time.</summary>
    private const double Worthwhile = 0.98;

    /// <summary>A look that ends at the first byte that is not zero.</summary>
    public static bool IsZeros(ReadOnlySpan<byte> chunk) => !chunk.ContainsAnyExcept((byte)0);

    /// <summary>
    /// Whether nothing in a chunk shrinks: encrypted or compressed already. Looked at are pieces all over it; unless each of
    /// them is noise, so that a chunk of which a tenth shrinks is missed once in thirty times, the chunk is compressed.
    /// </summary>
    public static bool IsNoise(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length < Samples * SampleBytes * 2)
        {
            return false;
        }

        byte[] room = new byte[SampleBytes * 2];
        int step = (chunk.Length - SampleBytes) / (Samples - 1);
        for (int sample = 0; sample < Samples; sample++)
        {
            if (PackedLength(chunk.Slice(sample * step, SampleBytes), room) < SampleBytes * Worthwhile)
            {
                return false;
            }
        }

        return true;
    }

    private static long PackedLength(ReadOnlySpan<byte> piece, byte[] room)
    {
        using MemoryStream output = new(room);
        using (DeflateStream deflate = new(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(piece);
        }

        return output.Position;
    }
}
