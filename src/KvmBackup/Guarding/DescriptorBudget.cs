using KvmBackup.Shell;

namespace KvmBackup.Guarding;

/// <summary>Sees to it that a guest is never held by a process that cannot open what it needs to put it back.</summary>
public static class DescriptorBudget
{
    private const int Reserve = 64;
    private const int ForEachSource = 8;

    /// <param name="sources">How many files or images are going to be read at once.</param>
    /// <exception cref="ShellException">The limit of this process is too near.</exception>
    public static void Demand(int sources) => Demand(sources, DescriptorLimit.Free, DescriptorLimit.Allowed);

    /// <param name="sources">How many files or images are going to be read at once.</param>
    /// <param name="free">How many files may be opened yet.</param>
    /// <param name="allowed">How many may be open at once.</param>
    /// <exception cref="ShellException">There are too few.</exception>
    public static void Demand(int sources, long free, long allowed)
    {
        long needed = Reserve + ((long)ForEachSource * sources);
        if (free < needed)
        {
            throw new ShellException(
                $"this process may open {free} more files (of {allowed}), and needs {needed}: raise ulimit -n, or "
                + "LimitNOFILE of the systemd unit; nothing was changed", isProgramMissing: false);
        }
    }
}
