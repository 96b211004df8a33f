using System.Runtime.InteropServices;

namespace KvmBackup.Archiving;

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

    /// <summary>As the library gives it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public readonly struct Digest
    {
        private readonly ulong low;
        private readonly ulong high;

        public UInt128 Value => new(high, low);
    }
}
