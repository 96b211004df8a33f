using System.Runtime.InteropServices;

namespace KvmBackup.Reporting;

/// <summary>Standard output and standard error of this process, each of which may be missing.</summary>
public sealed partial class StandardStreams
{
    private const int OutputDescriptor = 1;
    private const int ErrorDescriptor = 2;
    private const int GetDescriptorFlags = 1;
    private const int CloseOnExec = 1;
    private const nuint GetWindowSize = 0x5413;
    private const int UsualWidth = 80;

    private readonly bool hasError;

    private StandardStreams(bool hasOutput, bool hasError)
    {
        Output = new GuardedWriter(hasOutput ? Console.Out : null);
        Error = new GuardedWriter(hasError ? Console.Error : null);
        HasOutput = hasOutput;
        this.hasError = hasError;
    }

    /// <summary>The stream of reports.</summary>
    public GuardedWriter Output { get; }

    /// <summary>The stream of the log and of failures.</summary>
    public GuardedWriter Error { get; }

    /// <summary>Whether this process was started with a standard output.</summary>
    public bool HasOutput { get; }

    public static StandardStreams Open() => new(IsInherited(OutputDescriptor), IsInherited(ErrorDescriptor));

    /// <summary>The columns of the terminal on standard output; null if it is no terminal.</summary>
    public int? OutputWidth => HasOutput ? WidthOf(OutputDescriptor) : null;

    /// <summary>The columns of the terminal on standard error. The number changes with the window.</summary>
    public int? ErrorWidth => hasError ? WidthOf(ErrorDescriptor) : null;

    /// <summary>
    /// The number of a stream that the parent closed is reused for the first file that the runtime opens, which must
    /// not be written to. Files of the runtime have the flag close-on-exec, inherited streams do not.
    /// </summary>
    private static bool IsInherited(int descriptor) =>
        fcntl(descriptor, GetDescriptorFlags) is var flags and >= 0 && (flags & CloseOnExec) == 0;

    private static int? WidthOf(int descriptor) =>
        ioctl(descriptor, GetWindowSize, out WindowSize size) != 0 ? null
        : size.Columns > 0 ? size.Columns : UsualWidth;

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, out WindowSize size);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct WindowSize(ushort Rows, ushort Columns, ushort PixelsWide, ushort PixelsHigh);
}
