using KvmBackup.Model;

namespace KvmBackup.Journaling;

/// <summary>What a restore that is at work has made and not given its name yet.</summary>
/// <param name="FormatVersion">The version of this record; a reader refuses a newer one.</param>
/// <param name="RestoreId">Its own; also the name of its file.</param>
/// <param name="Subject">What is restored, for people.</param>
/// <param name="ProcessId">The restore.</param>
/// <param name="ProcessStart">When that process began, in the kernel's ticks since boot: a process ID comes again.</param>
/// <param name="BootId">The boot that it lives in.</param>
/// <param name="Files">The files under their temporary names.</param>
public sealed record RestoreEntry(
    int FormatVersion, Guid RestoreId, string Subject, int ProcessId, long ProcessStart, string BootId,
    IReadOnlyList<RestoreEntryFile> Files)
{
    public const int CurrentFormatVersion = 1;
}
