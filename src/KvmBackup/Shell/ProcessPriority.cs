using System.Globalization;
using System.Runtime.InteropServices;

namespace KvmBackup.Shell;

/// <summary>
/// Lowers this process for a while. Linux keeps both priorities for each thread, and a new thread or program has those of the
/// thread that starts it: so all threads are set, until there is none left that is not.
/// </summary>
public sealed partial class ProcessPriority : IDisposable
{
    private const string ThreadsPath = "/proc/self/task";
    private const int MostPasses = 20;
    private const int OneThread = 0;
    private const int OneThreadsDisk = 1;
    private const int ClassShift = 13;
    private const int BestEffortClass = 2;
    private const int IdleClass = 3;
    private const int LastOfClass = 7;

    private readonly int? nice;
    private readonly int? io;

    private ProcessPriority(int? nice, int? io)
    {
        this.nice = nice;
        this.io = io;
    }

    /// <summary>Lowers it until the scope is left; never raises what was lower before.</summary>
    /// <exception cref="ShellException">It could not be undone, or not be done: nothing has changed.</exception>
    public static ProcessPriority Lower(ResourceLimits limits)
    {
        int main = Environment.ProcessId;
        int? nice = limits.Nice is > 0 ? Niceness(main) : null;
        int? io = limits.Io is null or IoPriority.None ? null : DiskPriority(main);
        if (nice is not null)
        {
            DemandWayBack(nice.Value);
        }

        ProcessPriority before = new(nice, io);
        try
        {
            Set(nice is null ? null : Math.Max(nice.Value, limits.Nice!.Value), io is null ? null : Word(limits.Io!.Value));
            return before;
        }
        catch (ShellException)
        {
            before.Dispose();
            throw;
        }
    }

    /// <summary>All threads are again as they were.</summary>
    public void Dispose() => Set(nice, io);

    private static int Word(IoPriority priority) => priority == IoPriority.Idle
        ? (IdleClass << ClassShift) | LastOfClass : (BestEffortClass << ClassShift) | LastOfClass;

    /// <summary>A thread of no other use tries it: to become nicer is free, to come back takes a right.</summary>
    private static void DemandWayBack(int before)
    {
        int result = 0;
        Thread trial = new(() => result = before >= 19 ? 0 : setpriority(OneThread, 0, before + 1) | setpriority(OneThread, 0, before));
        trial.Start();
        trial.Join();
        if (result != 0)
        {
            throw new ShellException("the way back from a higher niceness takes root, with the capability SYS_NICE.", isProgramMissing: false);
        }
    }

    private static void Set(int? nice, int? io)
    {
        bool hasChanged = true;
        for (int pass = 0; hasChanged && pass < MostPasses; pass++)
        {
            hasChanged = false;
            foreach (int thread in Threads())
            {
                hasChanged |= nice is { } wanted && Niceness(thread) is { } now && now != wanted && Do(setpriority(OneThread, thread, wanted));
                hasChanged |= io is { } word && DiskPriority(thread) is { } priority && priority != word
                    && Do((int)syscall(Numbers().Set, OneThreadsDisk, thread, word));
            }
        }
    }

    private static IEnumerable<int> Threads() => Directory.GetDirectories(ThreadsPath)
        .Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture));

    /// <returns>Null when the thread has ended.</returns>
    private static int? Niceness(int thread)
    {
        int value = getpriority(OneThread, thread);
        return Marshal.GetLastPInvokeError() == 0 ? value : null;
    }

    /// <returns>Null when the thread has ended.</returns>
    private static int? DiskPriority(int thread) => (int)syscall(Numbers().Get, OneThreadsDisk, thread, 0) is var word and >= 0 ? word : null;

    private static bool Do(int result)
    {
        const int noSuchThread = 3;
        return result == 0 ? true : Marshal.GetLastPInvokeError() == noSuchThread ? false : throw new ShellException(
            $"the priority of this process cannot be set: {Marshal.GetLastPInvokeErrorMessage()}.", isProgramMissing: false);
    }

    /// <summary>libc has no names for these two.</summary>
    private static (nint Set, nint Get) Numbers() => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => (251, 252),
        Architecture.Arm64 or Architecture.RiscV64 or Architecture.LoongArch64 => (30, 31),
        _ => throw new ShellException($"ionice is not known on {RuntimeInformation.ProcessArchitecture}.", isProgramMissing: false),
    };

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getpriority(int which, int who);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, int who, int value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint which, nint who, nint value);
}
