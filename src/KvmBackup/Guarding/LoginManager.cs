using System.IO.Pipes;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KvmBackup.Guarding;

/// <summary>
/// systemd's login manager over one connection to the system bus: delays a shutdown and waits for its announcement,
/// without a process and without polling. Must be used only by the thread that created it, like the connection.
/// </summary>
internal sealed class LoginManager : IDisposable
{
    private const string Service = "org.freedesktop.login1";
    private const string ObjectPath = "/org/freedesktop/login1";
    private const string Manager = "org.freedesktop.login1.Manager";
    private const string Announcement = "PrepareForShutdown";
    private const ulong CallTimeoutMicroseconds = 10_000_000;
    private const int DuplicateCloseOnExec = 1030;
    private const int InterruptedError = 4;
    private const short Readable = 1;

    private readonly SystemBusHandle bus;

    private LoginManager(SystemBusHandle bus) => this.bus = bus;

    /// <exception cref="GuardingException">There is no libsystemd, or no system bus.</exception>
    public static LoginManager Connect()
    {
        try
        {
            Check(SystemBusLibrary.OpenSystem(out SystemBusHandle bus), "connecting to the system bus");
            return new LoginManager(bus);
        }
        catch (Exception failure) when (failure is DllNotFoundException or EntryPointNotFoundException)
        {
            throw new GuardingException(
                $"the library {SystemBusLibrary.Name} cannot be used: {failure.Message}", failure);
        }
    }

    /// <summary>Delays a shutdown, or a suspension, until the handle is closed, however this process ends.</summary>
    /// <exception cref="GuardingException">logind refused.</exception>
    public SafeFileHandle Inhibit(string reason)
    {
        using BusMessageHandle reply =
            Call(Service, ObjectPath, Manager, "Inhibit", "shutdown:sleep", "kvmbackup", reason, "delay");
        Check(SystemBusLibrary.ReadInteger(reply, (byte)'h', out int descriptor), "reading the inhibitor");

        // The descriptor belongs to the message; the copy outlives it, and no child process gets it.
        int copy = SystemBusLibrary.ControlDescriptor(descriptor, DuplicateCloseOnExec, 3);
        return copy >= 0 ? new SafeFileHandle(copy, ownsHandle: true)
            : throw new GuardingException($"copying the inhibitor failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    /// <summary>Waits until a shutdown begins; returns true immediately if it has begun.</summary>
    /// <returns>False when the token was cancelled first.</returns>
    /// <exception cref="GuardingException">The connection was lost.</exception>
    public bool WaitForShutdown(CancellationToken cancellationToken)
    {
        Call(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
            $"type='signal',sender='{Service}',path='{ObjectPath}',interface='{Manager}',member='{Announcement}'")
            .Dispose();
        if (IsShuttingDown())
        {
            return true;
        }

        using AnonymousPipeServerStream wake = new(PipeDirection.Out);
        using SafePipeHandle wakeHandle = wake.ClientSafePipeHandle;
        using CancellationTokenRegistration registration = cancellationToken.Register(wake.Dispose);
        while (!cancellationToken.IsCancellationRequested)
        {
            int processed = SystemBusLibrary.Process(bus, out BusMessageHandle message);
            using (message)
            {
                Check(processed, "reading from the system bus");

                // Any process may send this signal, so logind's property is read as the proof.
                if (!message.IsInvalid && SystemBusLibrary.IsSignal(message, Manager, Announcement) > 0
                    && IsShuttingDown())
                {
                    return true;
                }
            }

            if (processed == 0)
            {
                Wait((int)wakeHandle.DangerousGetHandle());
            }
        }

        return false;
    }

    public void Dispose() => bus.Dispose();

    private bool IsShuttingDown()
    {
        Check(
            SystemBusLibrary.GetProperty(
                bus, Service, ObjectPath, Manager, "PreparingForShutdown", 0, (byte)'b', out int value),
            "reading whether the host shuts down");
        return value != 0;
    }

    private void Wait(int wakeHandle)
    {
        Span<PolledDescriptor> descriptors =
        [
            new() { Descriptor = SystemBusLibrary.GetDescriptor(bus), Events = Readable },
            new() { Descriptor = wakeHandle, Events = Readable },
        ];
        if (SystemBusLibrary.Poll(descriptors, (nuint)descriptors.Length, -1) < 0
            && Marshal.GetLastPInvokeError() is not InterruptedError)
        {
            throw new GuardingException($"waiting on the system bus failed: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private BusMessageHandle Call(
        string destination, string path, string interfaceName, string member, params IEnumerable<string> arguments)
    {
        string purpose = $"calling {interfaceName}.{member}";
        Check(
            SystemBusLibrary.NewMethodCall(bus, out BusMessageHandle message, destination, path, interfaceName, member),
            purpose);
        using (message)
        {
            foreach (string argument in arguments)
            {
                Check(SystemBusLibrary.AppendString(message, (byte)'s', argument), purpose);
            }

            Check(SystemBusLibrary.Call(bus, message, CallTimeoutMicroseconds, 0, out BusMessageHandle reply), purpose);
            return reply;
        }
    }

    private static void Check(int result, string purpose)
    {
        if (result < 0)
        {
            throw new GuardingException($"{purpose} failed: {Marshal.GetPInvokeErrorMessage(-result)}");
        }
    }
}
