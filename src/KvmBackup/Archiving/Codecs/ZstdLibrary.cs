using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Codecs;

/// <summary>The functions of libzstd that are used, all stable since 1.4. Returned sizes may be error codes.</summary>
internal static partial class ZstdLibrary
{
    public const string Name = "libzstd.so.1";
    public const int CompressionLevel = 100;
    public const int ChecksumFlag = 201;

    [LibraryImport(Name, EntryPoint = "ZSTD_createCCtx")]
    public static partial ZstdCompressor CreateCompressor();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressor(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(ZstdCompressor context, int parameter, int value);

    [LibraryImport(Name, EntryPoint = "ZSTD_compress2")]
    public static partial nuint Compress(
        ZstdCompressor context, Span<byte> buffer, nuint bufferLength, ReadOnlySpan<byte> content, nuint contentLength);

    [LibraryImport(Name, EntryPoint = "ZSTD_createDCtx")]
    public static partial ZstdDecompressor CreateDecompressor();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_decompressDCtx")]
    public static partial nuint Decompress(
        ZstdDecompressor context, Span<byte> buffer, nuint bufferLength, ReadOnlySpan<byte> packed, nuint packedLength);

    /// <returns>0 at the end of a frame; else an estimate of the bytes to come, or an error code.</returns>
    [LibraryImport(Name, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint DecompressStream(ZstdDecompressor context, ref Buffer output, ref Buffer input);

    [LibraryImport(Name, EntryPoint = "ZSTD_isError")]
    public static partial uint IsError(nuint code);

    [LibraryImport(Name, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint GetErrorName(nuint code);

    public static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(GetErrorName(code)) ?? "unknown error";

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which have the same layout.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public nint Start;
        public nuint Size;
        public nuint Position;

        /// <summary>Describes memory that stays pinned while the buffer is used.</summary>
        public static unsafe Buffer Of(System.Buffers.MemoryHandle memory, int length) =>
            new() { Start = (nint)memory.Pointer, Size = (nuint)length };
    }
}

/// <summary>A compression context of libzstd. A dispose during use by another thread is safe.</summary>
internal sealed class ZstdCompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    public ZstdCompressor()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => ZstdLibrary.IsError(ZstdLibrary.FreeCompressor(handle)) == 0;
}

/// <summary>A decompression context of libzstd. A dispose during use by another thread is safe.</summary>
internal sealed class ZstdDecompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    public ZstdDecompressor()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => ZstdLibrary.IsError(ZstdLibrary.FreeDecompressor(handle)) == 0;
}
