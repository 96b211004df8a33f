using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Guarding;

/// <summary>
/// The functions of libsystemd's sd-bus, all stable since systemd 240. Negative results are errno values. A connection
/// and its messages must be used by one thread only.
/// </summary>
internal static partial class SystemBusLibrary
{
    public const string Name = "libsystemd.so.0";

    [LibraryImport(Name, EntryPoint = "sd_bus_open_system")]
    public static partial int OpenSystem(out SystemBusHandle bus);

    [LibraryImport(Name, EntryPoint = "sd_bus_flush_close_unref")]
    public static partial nint CloseBus(nint bus);

    [LibraryImport(Name, EntryPoint = "sd_bus_message_unref")]
    public static partial nint UnrefMessage(nint message);

    [LibraryImport(Name, EntryPoint = "sd_bus_get_fd")]
    public static partial int GetDescriptor(SystemBusHandle bus);

    [LibraryImport(Name, EntryPoint = "sd_bus_process")]
    public static partial int Process(SystemBusHandle bus, out BusMessageHandle message);

    [LibraryImport(Name, EntryPoint = "sd_bus_message_new_method_call", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int NewMethodCall(
        SystemBusHandle bus, out BusMessageHandle message, string destination, string path, string interfaceName,
        string member);

    [LibraryImport(Name, EntryPoint = "sd_bus_message_append_basic", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AppendString(BusMessageHandle message, byte type, string value);

    [LibraryImport(Name, EntryPoint = "sd_bus_call")]
    public static partial int Call(
        SystemBusHandle bus, BusMessageHandle message, ulong timeoutMicroseconds, nint error,
        out BusMessageHandle reply);

    [LibraryImport(Name, EntryPoint = "sd_bus_message_read_basic")]
    public static partial int ReadInteger(BusMessageHandle message, byte type, out int value);

    [LibraryImport(Name, EntryPoint = "sd_bus_get_property_trivial", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetProperty(
        SystemBusHandle bus, string destination, string path, string interfaceName, string member, nint error,
        byte type, out int value);

    [LibraryImport(Name, EntryPoint = "sd_bus_message_is_signal", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int IsSignal(BusMessageHandle message, string interfaceName, string member);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int ControlDescriptor(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(Span<PolledDescriptor> descriptors, nuint count, int timeoutMilliseconds);
}

/// <summary>A connection to the system bus.</summary>
internal sealed class SystemBusHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        _ = SystemBusLibrary.CloseBus(handle);
        return true;
    }
}

/// <summary>A message of the system bus.</summary>
internal sealed class BusMessageHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        _ = SystemBusLibrary.UnrefMessage(handle);
        return true;
    }
}

/// <summary>The <c>struct pollfd</c> of poll(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PolledDescriptor
{
    public int Descriptor;
    public short Events;
    public short Returned;
}
