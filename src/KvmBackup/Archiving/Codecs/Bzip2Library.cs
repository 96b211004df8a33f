using System.Runtime.InteropServices;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Codecs;

/// <summary>The functions of libbz2 that are used, all stable since 1.0. See
/// https://sourceware.org/bzip2/manual/.</summary>
internal static partial class Bzip2Library
{
    /// <summary>The name that both Debian (libbz2-1.0) and Fedora (bzip2-libs) provide.</summary>
    public const string Name = "libbz2.so.1";

    public const int Ok = 0;
    public const int StreamEnd = 4;
    public const int OutOfMemory = -3;

    /// <exception cref="ArchivingException">The library is not on this host.</exception>
    public static void EnsureAvailable()
    {
        try
        {
            _ = Version();
        }
        catch (DllNotFoundException failure)
        {
            throw new ArchivingException(
                $"The library {Name} is not on this host. Install the package libbz2-1.0 (Debian) or bzip2-libs "
                + "(Fedora); to write backups without it, set 'compression: gzip'.",
                innerException: failure);
        }
    }

    [LibraryImport(Name, EntryPoint = "BZ2_bzlibVersion")]
    private static partial nint Version();

    [LibraryImport(Name, EntryPoint = "BZ2_bzBuffToBuffCompress")]
    public static partial int Compress(
        Span<byte> buffer, ref uint bufferLength, ReadOnlySpan<byte> content, uint contentLength,
        int level, int verbosity, int workFactor);

    [LibraryImport(Name, EntryPoint = "BZ2_bzDecompressInit")]
    public static partial int InitializeDecompressor(nint stream, int verbosity, int isSmall);

    [LibraryImport(Name, EntryPoint = "BZ2_bzDecompress")]
    public static partial int Decompress(Bzip2Decompressor stream);

    [LibraryImport(Name, EntryPoint = "BZ2_bzDecompressEnd")]
    public static partial int EndDecompressor(nint stream);

    /// <summary>bz_stream of bzlib.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct NativeStream
    {
        public nint NextInput;
        public uint InputLength;
        public uint InputTotalLow;
        public uint InputTotalHigh;
        public nint NextOutput;
        public uint OutputLength;
        public uint OutputTotalLow;
        public uint OutputTotalHigh;
        public nint State;
        public nint Allocate;
        public nint Free;
        public nint Opaque;
    }
}

/// <summary>A decompressor of libbz2. Its stream is in native memory, because libbz2 requires a constant
/// address.</summary>
internal sealed unsafe class Bzip2Decompressor : SafeHandleZeroOrMinusOneIsInvalid
{
    /// <exception cref="ArchivingException">The library is not on this host, or failed to allocate memory.</exception>
    public Bzip2Decompressor()
        : base(ownsHandle: true)
    {
        Bzip2Library.EnsureAvailable();
        nint stream = (nint)NativeMemory.AllocZeroed((nuint)sizeof(Bzip2Library.NativeStream));
        if (Bzip2Library.InitializeDecompressor(stream, verbosity: 0, isSmall: 0) != Bzip2Library.Ok)
        {
            NativeMemory.Free((void*)stream);
            throw new ArchivingException("libbz2 failed to allocate memory. Lower 'threads'.");
        }

        SetHandle(stream);
    }

    /// <summary>Decompresses until the input or the output is exhausted, or the stream ends.</summary>
    /// <returns>The bytes read and written, and the result code of libbz2.</returns>
    public (int Read, int Written, int Result) Run(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Bzip2Library.NativeStream* stream = (Bzip2Library.NativeStream*)handle;
        fixed (byte* nextInput = input)
        fixed (byte* nextOutput = output)
        {
            stream->NextInput = (nint)nextInput;
            stream->InputLength = (uint)input.Length;
            stream->NextOutput = (nint)nextOutput;
            stream->OutputLength = (uint)output.Length;
            int result = Bzip2Library.Decompress(this);
            return (input.Length - (int)stream->InputLength, output.Length - (int)stream->OutputLength, result);
        }
    }

    protected override bool ReleaseHandle()
    {
        int result = Bzip2Library.EndDecompressor(handle);
        NativeMemory.Free((void*)handle);
        return result == Bzip2Library.Ok;
    }
}
