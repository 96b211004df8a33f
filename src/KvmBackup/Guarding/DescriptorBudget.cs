using KvmBackup.Shell;

namespace KvmBackup.Guarding;

/// <summary>Ensures before a guest is captured that this process can open enough files to release it.</summary>
public static class DescriptorBudget
{
    private const int Reserve = 64;
    private const int FilesPerSource = 8;

    /// <param name="sources">The number of files or images that are read at the same time.</param>
    /// <exception cref="ShellException">The limit of this process is too low.</exception>
    public static void Ensure(int sources) => Ensure(sources, DescriptorLimit.Free, DescriptorLimit.Allowed);

    /// <param name="sources">The number of files or images that are read at the same time.</param>
    /// <param name="free">The number of files that may still be opened.</param>
    /// <param name="allowed">The number of files that may be open at the same time.</param>
    /// <exception cref="ShellException">The limit of this process is too low.</exception>
    public static void Ensure(int sources, long free, long allowed)
    {
        long needed = Reserve + ((long)FilesPerSource * sources);
        if (free < needed)
        {
            throw new ShellException(
                $"this process may open {free} more files (of {allowed}), but {needed} are required: raise ulimit -n, "
                    + "or LimitNOFILE of the systemd unit; nothing was changed", isProgramMissing: false);
        }
    }
}
