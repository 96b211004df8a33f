using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using KvmBackup.Archiving.Primitives;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Archiving.Checksums;

/// <summary>
/// XXH3 with 128 bits, by libxxhash: a checksum against damage, ten times as fast as SHA-256. It does not protect
/// against forgery; SHA-256 of the file does. <c>xxh128sum</c> prints the same value.
/// </summary>
public sealed class Xxh128 : IDisposable
{
    public const int SizeBytes = 16;

    private const int Digits = 2 * SizeBytes;

    // Before 0.8 XXH3 was experimental and returned other values. Content of more than 240 bytes takes another code
    // path.
    private static readonly byte[] Known = new byte[1024];
    private static readonly UInt128 KnownChecksum = new(0x0717191e67688313, 0xde5f15ab6daf7941);
    private readonly XxHashState state;

    /// <summary>Creates an incremental hash, for one caller at a time.</summary>
    /// <exception cref="ArchivingException">The library is not on this host.</exception>
    public Xxh128()
    {
        EnsureAvailable();
        state = XxHashLibrary.CreateState();
        if (state.IsInvalid || XxHashLibrary.Reset(state) != 0)
        {
            throw new ArchivingException("libxxhash failed to allocate memory.");
        }
    }

    /// <exception cref="ArchivingException">The library is not on this host, or too old.</exception>
    public static void EnsureAvailable()
    {
        if (Of(Known) != KnownChecksum)
        {
            throw Unusable(null);
        }
    }

    /// <exception cref="ArchivingException">The library is not on this host.</exception>
    public static UInt128 Of(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return XxHashLibrary.Of(bytes, (nuint)bytes.Length).Value;
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            throw Unusable(failure);
        }
    }

    /// <summary>The checksum in lower-case hexadecimal, the highest digit first.</summary>
    public static string Format(UInt128 checksum) => checksum.ToString("x32", CultureInfo.InvariantCulture);

    /// <returns>Null when the text is no output of <see cref="Format"/>.</returns>
    public static UInt128? Parse(string? text) =>
        text is { Length: Digits }
            && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value)
            && Format(value) == text
            ? value : null;

    public void Append(ReadOnlySpan<byte> bytes) => _ = XxHashLibrary.Update(state, bytes, (nuint)bytes.Length);

    /// <summary>Adds the bytes of a checksum, the highest first.</summary>
    public void Append(UInt128 checksum)
    {
        Span<byte> bytes = stackalloc byte[SizeBytes];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, checksum);
        Append(bytes);
    }

    /// <summary>The checksum of all bytes added so far.</summary>
    public UInt128 Finish() => XxHashLibrary.Finish(state).Value;

    public void Dispose() => state.Dispose();

    private static ArchivingException Unusable(Exception? failure) => new(
        $"The library {XxHashLibrary.Name}, 0.8 or newer, is not on this host. Install the package libxxhash0 (Debian) "
        + "or xxhash-libs (Fedora): every checksum of a backup's content requires it.",
        innerException: failure);
}

/// <summary>The functions of libxxhash that are used, all stable since 0.8.</summary>
internal static partial class XxHashLibrary
{
    public const string Name = "libxxhash.so.0";

    [LibraryImport(Name, EntryPoint = "XXH3_128bits")]
    public static partial Digest Of(ReadOnlySpan<byte> bytes, nuint length);

    [LibraryImport(Name, EntryPoint = "XXH3_createState")]
    public static partial XxHashState CreateState();

    [LibraryImport(Name, EntryPoint = "XXH3_freeState")]
    public static partial int FreeState(nint state);

    [LibraryImport(Name, EntryPoint = "XXH3_128bits_reset")]
    public static partial int Reset(XxHashState state);

    [LibraryImport(Name, EntryPoint = "XXH3_128bits_update")]
    public static partial int Update(XxHashState state, ReadOnlySpan<byte> bytes, nuint length);

    [LibraryImport(Name, EntryPoint = "XXH3_128bits_digest")]
    public static partial Digest Finish(XxHashState state);

    /// <summary>XXH128_hash_t of xxhash.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Digest
    {
        private readonly ulong low;
        private readonly ulong high;

        public UInt128 Value => new(high, low);
    }
}

/// <summary>A state of libxxhash. A dispose during use by another thread is safe.</summary>
internal sealed class XxHashState : SafeHandleZeroOrMinusOneIsInvalid
{
    public XxHashState()
        : base(ownsHandle: true)
    {
    }

    protected override bool ReleaseHandle() => XxHashLibrary.FreeState(handle) == 0;
}
