using System.Runtime.InteropServices;

namespace KvmBackup.Archiving.Codecs;

/// <summary>The functions of libzstd that are used, all stable since 1.4. Sizes returned may be errors.</summary>
internal static partial class ZstdLibrary
{
    public const string Name = "libzstd.so.1";
    public const int CompressionLevel = 100;
    public const int ChecksumFlag = 201;

    [LibraryImport(Name, EntryPoint = "ZSTD_createCCtx")]
    public static partial nint CreateCompressor();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint FreeCompressor(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(nint context, int parameter, int value);

    [LibraryImport(Name, EntryPoint = "ZSTD_compress2")]
    public static partial nuint Compress(
        nint context, Span<byte> room, nuint roomLength, ReadOnlySpan<byte> content, nuint contentLength);

    [LibraryImport(Name, EntryPoint = "ZSTD_createDCtx")]
    public static partial nint CreateDecompressor();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecompressor(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_decompressDCtx")]
    public static partial nuint Decompress(
        nint context, Span<byte> room, nuint roomLength, ReadOnlySpan<byte> packed, nuint packedLength);

    /// <returns>0 at the end of a frame; else more is to come, or an error.</returns>
    [LibraryImport(Name, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint DecompressStream(nint context, ref Buffer output, ref Buffer input);

    [LibraryImport(Name, EntryPoint = "ZSTD_isError")]
    public static partial uint IsError(nuint code);

    [LibraryImport(Name, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint GetErrorName(nuint code);

    public static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(GetErrorName(code)) ?? "unknown error";

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which look the same.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public nint Start;
        public nuint Size;
        public nuint Position;

        /// <summary>Of memory that stays pinned while the buffer is used.</summary>
        public static unsafe Buffer Of(System.Buffers.MemoryHandle memory, int length) =>
            new() { Start = (nint)memory.Pointer, Size = (nuint)length };
    }
}
