using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The backup directory cannot be used as asked; or what lies in it is not as it was written.</summary>
public sealed class StorageException(
    string message, ExitCode exitCode = ExitCode.Failed, Exception? innerException = null)
    : KvmBackupException(message, exitCode, innerException)
{
    private const int NoPermission = 13;
    private const int NotPermitted = 1;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int NameTooLong = 36;
    private const int NoLocks = 37;
    private const int NotSupported = 95;
    private const int StaleHandle = 116;
    private const int QuotaExceeded = 122;
    private const int InputOutput = 5;

    /// <summary>What .NET or the kernel threw, with what it means here and what to do.</summary>
    /// <param name="what">What could not be done, and with what: the beginning of the message.</param>
    public static StorageException From(Exception failure, string what) =>
        new(
            failure is RefusedPathException ? $"{what}: {failure.Message}."
                : $"{what}: {failure.Message.TrimEnd('.')}. {Hint(failure)}",
            ExitCode.Failed, failure);

    /// <summary>A manifest of another version of this program.</summary>
    public static StorageException OtherFormat(string filePath, int version) => new(version > Manifest.CurrentFormatVersion
        ? $"'{filePath}' was written by a newer kvmbackup (format {version}); this one reads format"
            + $" {Manifest.CurrentFormatVersion}: upgrade kvmbackup on this host."
        : $"'{filePath}' was written by a kvmbackup from before its first release (format {version}); this one reads format"
            + $" {Manifest.CurrentFormatVersion}: unpack the archive with tar, RESTORE.md in it says how to go on.")
    {
        IsOtherFormat = true,
    };

    /// <summary>Nothing is damaged: this program is not the one for it.</summary>
    public bool IsOtherFormat { get; private init; }

    /// <summary>The failures that a file system may give at any time; all else is a mistake of ours.</summary>
    public static bool IsExpected(Exception failure) => failure is IOException or UnauthorizedAccessException;

    // The HResult of an I/O exception is the errno on Linux.
    private static string Hint(Exception failure) => failure switch
    {
        UnauthorizedAccessException => "Run as root, or give this user the right to write there.",
        DirectoryNotFoundException or FileNotFoundException => "Is the share mounted?",
        _ => failure.HResult switch
        {
            NoPermission or NotPermitted => "Run as root, or give this user the right to write there.",
            NoSpace => "The file system is full: make room, or keep fewer backups (rotate).",
            QuotaExceeded => "The quota is used up: make room, or keep fewer backups (rotate).",
            ReadOnlyFileSystem => "The file system is mounted read-only: remount it, and look in dmesg for the reason.",
            NameTooLong => "The name is too long for this file system.",
            NoLocks or NotSupported => "This file system keeps no locks: mount it with locking (NFS: without nolock).",
            StaleHandle => "The share was taken away by its server: unmount it and mount it again.",
            InputOutput => "The disk or the share below has errors: look in dmesg.",
            _ => "Look at the file system and its mount.",
        },
    };
}

/// <summary>Why a directory among the backups is not one.</summary>
public enum UnusableCause
{
    /// <summary>Of a run that did not get to its end, or of a deletion; the next run removes it.</summary>
    Leftover,

    /// <summary>It was published, and is no longer as it was.</summary>
    Damaged,

    /// <summary>Another version of this program wrote it.</summary>
    OtherFormat,

    /// <summary>The file system refuses to show it.</summary>
    Unreadable,

    /// <summary>Not ours: nothing here touches it.</summary>
    Foreign,
}

/// <summary>Something among a domain's backups that is none, and why: never counted, always told.</summary>
/// <param name="Name">Of the directory.</param>
/// <param name="Reason">For people.</param>
/// <param name="Cause">For programs.</param>
/// <param name="Remains">What its manifest tells, when that can be read and the archive is there; only to be verified.</param>
public sealed record UnusableEntry(string Name, string Reason, UnusableCause Cause, CompletedBackup? Remains = null);
