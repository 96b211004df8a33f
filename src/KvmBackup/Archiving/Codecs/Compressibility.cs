using System.IO.Compression;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Estimates, at low cost, whether a chunk can be compressed.</summary>
public static class Compressibility
{
    private const int Samples = 32;
    private const int SampleBytes = 4096;

    /// <summary>A sample that shrinks by less than 2 % counts as incompressible.</summary>
    private const double Worthwhile = 0.98;

    /// <summary>Whether a chunk is all zeros; stops at the first other byte.</summary>
    public static bool IsZeros(ReadOnlySpan<byte> chunk) => !chunk.ContainsAnyExcept((byte)0);

    /// <summary>
    /// Whether a chunk is incompressible, because it is encrypted or already compressed. Tests samples all over it:
    /// true when every sample is incompressible. A chunk of which 10 % can be compressed is missed once in thirty
    /// cases.
    /// </summary>
    public static bool IsNoise(ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length < Samples * SampleBytes * 2)
        {
            return false;
        }

        byte[] buffer = new byte[SampleBytes * 2];
        int step = (chunk.Length - SampleBytes) / (Samples - 1);
        for (int sample = 0; sample < Samples; sample++)
        {
            if (PackedLength(chunk.Slice(sample * step, SampleBytes), buffer) < SampleBytes * Worthwhile)
            {
                return false;
            }
        }

        return true;
    }

    private static long PackedLength(ReadOnlySpan<byte> piece, byte[] buffer)
    {
        using MemoryStream output = new(buffer);
        using (DeflateStream deflate = new(output, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflate.Write(piece);
        }

        return output.Position;
    }
}
