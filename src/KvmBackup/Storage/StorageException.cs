using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>The backup directory cannot be used as requested, or its content is damaged.</summary>
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

    /// <summary>A failure of .NET or the kernel, with its meaning and what to do.</summary>
    /// <param name="failure">The failure.</param>
    /// <param name="problem">What failed, with names: the beginning of the message.</param>
    public static StorageException From(Exception failure, string problem) =>
        new(
            failure is RefusedPathException ? $"{problem}: {failure.Message}."
                : $"{problem}: {failure.Message.TrimEnd('.')}. {Hint(failure)}",
            ExitCode.Failed, failure);

    /// <summary>A manifest of another version of this program.</summary>
    public static StorageException OtherFormat(string filePath, int version) => new(
        version > Manifest.CurrentFormatVersion
        ? $"'{filePath}' was written by a newer kvmbackup (format {version}); this one reads format"
            + $" {Manifest.CurrentFormatVersion}: upgrade kvmbackup on this host."
        : $"'{filePath}' was written by a kvmbackup older than the first release (format {version}); this one reads "
            + $"format {Manifest.CurrentFormatVersion}: unpack the archive with tar and follow its RESTORE.md.")
    {
        IsOtherFormat = true,
    };

    /// <summary>The backup is not damaged, but requires another version of this program.</summary>
    public bool IsOtherFormat { get; private init; }

    /// <summary>Whether it is a failure of the file system; any other exception is a defect of this program.</summary>
    public static bool IsExpected(Exception failure) => failure is IOException or UnauthorizedAccessException;

    // The HResult of an I/O exception is the errno on Linux.
    private static string Hint(Exception failure) => failure switch
    {
        UnauthorizedAccessException => "Run as root, or give this user write permission there.",
        DirectoryNotFoundException or FileNotFoundException => "Is the share mounted?",
        _ => failure.HResult switch
        {
            NoPermission or NotPermitted => "Run as root, or give this user write permission there.",
            NoSpace => "The file system is full: free space, or keep fewer backups (rotate).",
            QuotaExceeded => "The quota is exhausted: free space, or keep fewer backups (rotate).",
            ReadOnlyFileSystem => "The file system is mounted read-only: remount it, and check dmesg for the reason.",
            NameTooLong => "The name is too long for this file system.",
            NoLocks or NotSupported => "This file system has no locks: mount it with locking (NFS: without nolock).",
            StaleHandle => "The server no longer exports the share: unmount it and mount it again.",
            InputOutput => "The disk or the share below has errors: check dmesg.",
            _ => "Check the file system and its mount.",
        },
    };
}

/// <summary>Why an entry among the backups is not usable.</summary>
public enum UnusableCause
{
    /// <summary>Left by an interrupted run or deletion; the next run removes it.</summary>
    Leftover,

    /// <summary>It was published and is damaged.</summary>
    Damaged,

    /// <summary>Another version of this program wrote it.</summary>
    OtherFormat,

    /// <summary>The file system refuses to read it.</summary>
    Unreadable,

    /// <summary>It is not ours: this program never changes it.</summary>
    Foreign,
}

/// <summary>An unusable entry among a domain's backups: never counted, always reported.</summary>
/// <param name="Name">Name of the directory.</param>
/// <param name="Reason">The reason as text.</param>
/// <param name="Cause">The kind of reason.</param>
/// <param name="DamagedBackup">The backup, when manifest and archive exist and can be read; for verification
/// only.</param>
public sealed record UnusableEntry(
    string Name, string Reason, UnusableCause Cause, CompletedBackup? DamagedBackup = null);
