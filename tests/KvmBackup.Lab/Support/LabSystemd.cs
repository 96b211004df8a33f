using System.Runtime.InteropServices;

namespace KvmBackup.Lab.Support;

/// <summary>
/// The part of systemd that logind queries before a shutdown: the existence of a unit for it. Every other call is
/// refused, also the one that would shut the host down.
/// </summary>
public sealed partial class LabSystemd : IDisposable
{
    private const string Library = "libsystemd.so.0";
    private const int NotImplemented = 38;
    private readonly CancellationTokenSource over = new();
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task answering;

    private LabSystemd() => answering = Task.Factory.StartNew(
        Answer, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Returns when it owns its name on the lab's bus.</summary>
    public static async Task<LabSystemd> StartAsync()
    {
        LabSystemd systemd = new();
        await Task.WhenAny(systemd.ready.Task, systemd.answering).Unwrap();
        return systemd;
    }

    public void Dispose()
    {
        over.Cancel();
        answering.Wait();
        over.Dispose();
    }

    private void Answer()
    {
        Check(OpenSystem(out nint bus));
        try
        {
            Check(RequestName(bus, "org.freedesktop.systemd1", 0));
            ready.SetResult();
            while (!over.IsCancellationRequested)
            {
                int processed = Check(Process(bus, out nint call));
                if (call != 0)
                {
                    Answer(bus, call);
                    _ = Unref(call);
                }
                else if (processed == 0)
                {
                    _ = Check(Wait(bus, 50_000));
                }
            }
        }
        finally
        {
            _ = Close(bus);
        }
    }

    private static void Answer(nint bus, nint call)
    {
        if (IsMethodCall(call, "org.freedesktop.DBus.Properties", "Get") <= 0)
        {
            _ = ReplyErrno(call, NotImplemented, 0);
            return;
        }

        Check(NewReturn(call, out nint reply));
        Check(OpenContainer(reply, (byte)'v', "s"));
        Check(Append(reply, (byte)'s', "loaded"));
        Check(CloseContainer(reply));
        Check(Send(bus, reply, 0));
        _ = Unref(reply);
    }

    private static int Check(int result) => result >= 0 ? result
        : throw new InvalidOperationException($"sd-bus: {Marshal.GetPInvokeErrorMessage(-result)}");

    [LibraryImport(Library, EntryPoint = "sd_bus_open_system")]
    private static partial int OpenSystem(out nint bus);

    [LibraryImport(Library, EntryPoint = "sd_bus_flush_close_unref")]
    private static partial nint Close(nint bus);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_unref")]
    private static partial nint Unref(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_request_name", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RequestName(nint bus, string name, ulong flags);

    [LibraryImport(Library, EntryPoint = "sd_bus_process")]
    private static partial int Process(nint bus, out nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_wait")]
    private static partial int Wait(nint bus, ulong timeoutMicroseconds);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_is_method_call", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int IsMethodCall(nint message, string interfaceName, string member);

    [LibraryImport(Library, EntryPoint = "sd_bus_reply_method_errno")]
    private static partial int ReplyErrno(nint call, int error, nint details);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_new_method_return")]
    private static partial int NewReturn(nint call, out nint reply);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_open_container", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenContainer(nint message, byte type, string contents);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_close_container")]
    private static partial int CloseContainer(nint message);

    [LibraryImport(Library, EntryPoint = "sd_bus_message_append_basic", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Append(nint message, byte type, string value);

    [LibraryImport(Library, EntryPoint = "sd_bus_send")]
    private static partial int Send(nint bus, nint message, nint cookie);
}
