using System.Globalization;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>
/// A scope with a lower CPU and I/O priority of this process. Linux has both priorities per thread, and a new thread or
/// program inherits those of its parent thread. So the priorities of all threads are set, repeatedly, until no thread
/// is left to change.
/// </summary>
public sealed partial class ProcessPriority : IDisposable
{
    private const string ThreadsPath = "/proc/self/task";
    private const int MaximumPasses = 20;
    private const int WhichThread = 0;
    private const int IoWhichThread = 1;
    private const int ClassShift = 13;
    private const int BestEffortClass = 2;
    private const int IdleClass = 3;
    private const int LowestOfClass = 7;

    private readonly int? nice;
    private readonly int? io;

    private ProcessPriority(int? nice, int? io)
    {
        this.nice = nice;
        this.io = io;
    }

    /// <summary>Lowers the priorities until the scope is left; never raises a lower one.</summary>
    /// <exception cref="ShellException">The priorities cannot be set or restored: nothing has changed.</exception>
    public static ProcessPriority Lower(ResourceLimits limits)
    {
        int main = Environment.ProcessId;
        int? nice = limits.Nice is > 0 ? NicenessOf(main) : null;
        int? io = limits.Io is null or IoPriority.None ? null : IoPriorityOf(main);
        if (nice is not null)
        {
            EnsureReversible(nice.Value);
        }

        ProcessPriority before = new(nice, io);
        try
        {
            Set(nice is null ? null : Math.Max(nice.Value, limits.Nice!.Value), io is null ? null
                : ToIoPriority(limits.Io!.Value));
            return before;
        }
        catch (ShellException)
        {
            before.Dispose();
            throw;
        }
    }

    /// <summary>Restores the priorities of all threads.</summary>
    public void Dispose() => Set(nice, io);

    private static int ToIoPriority(IoPriority priority) => priority == IoPriority.Idle
        ? (IdleClass << ClassShift) | LowestOfClass : (BestEffortClass << ClassShift) | LowestOfClass;

    /// <summary>
    /// Tests with a temporary thread whether the niceness can be lowered again, which requires a privilege.
    /// </summary>
    private static void EnsureReversible(int before)
    {
        int result = 0;
        Thread trial =
            new(() => result = before >= 19 ? 0
                : setpriority(WhichThread, 0, before + 1) | setpriority(WhichThread, 0, before));
        trial.Start();
        trial.Join();
        if (result != 0)
        {
            throw new ShellException(
                "restoring the niceness requires root with the capability SYS_NICE.", isProgramMissing: false);
        }
    }

    private static void Set(int? nice, int? io)
    {
        bool hasChanged = true;
        for (int pass = 0; hasChanged && pass < MaximumPasses; pass++)
        {
            hasChanged = false;
            foreach (int thread in Threads())
            {
                hasChanged |= nice is { } wanted && NicenessOf(thread) is { } now && now != wanted
                    && TrySet(setpriority(WhichThread, thread, wanted));
                hasChanged |= io is { } word && IoPriorityOf(thread) is { } priority && priority != word
                    && TrySet((int)syscall(SystemCallNumbers().Set, IoWhichThread, thread, word));
            }
        }
    }

    private static IEnumerable<int> Threads() => Directory.GetDirectories(ThreadsPath)
        .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));

    /// <returns>Null when the thread has ended.</returns>
    private static int? NicenessOf(int thread)
    {
        int value = getpriority(WhichThread, thread);
        return Marshal.GetLastPInvokeError() == 0 ? value : null;
    }

    /// <returns>Null when the thread has ended.</returns>
    private static int? IoPriorityOf(int thread) =>
        (int)syscall(SystemCallNumbers().Get, IoWhichThread, thread, 0) is var word and >= 0 ? word : null;

    private static bool TrySet(int result)
    {
        const int noSuchThread = 3;
        return result == 0 ? true : Marshal.GetLastPInvokeError() == noSuchThread ? false : throw new ShellException(
            $"the priority of this process cannot be set: {Marshal.GetLastPInvokeErrorMessage()}.",
            isProgramMissing: false);
    }

    /// <summary>The numbers of ioprio_set(2) and ioprio_get(2), for which libc has no functions.</summary>
    private static (nint Set, nint Get) SystemCallNumbers() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (251, 252),
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (30, 31),
        _ => throw new ShellException(
            $"I/O priorities are not supported on {RuntimeInformation.ProcessArchitecture}.", isProgramMissing: false),
    };

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpriority(int which, int who);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, int who, int value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint which, nint who, nint value);
}
