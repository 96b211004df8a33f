using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace KvmBackup.Lab.Support;

/// <summary>
/// Runs commands in a guest over a separate channel, so that a guest whose agent is frozen, broken or missing
/// can be reached, too, and only the program under test uses the agent.
/// </summary>
public static class ControlChannel
{
    private static int _lastId = Environment.TickCount & 0xFFFFFF;

    /// <summary>Runs a shell script in the guest; standard error is in the output.</summary>
    /// <exception cref="OperationCanceledException">No answer arrived before the cancellation.</exception>
    public static async Task<Outcome> RunAsync(string socketPath, string script, CancellationToken cancellationToken)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellationToken);
        await using NetworkStream stream = new(socket);
        string id = Interlocked.Increment(ref _lastId).ToString(CultureInfo.InvariantCulture);

        // The leading line feed ends an incomplete command of an earlier connection.
        string request = $"\n{id} {Convert.ToBase64String(Encoding.UTF8.GetBytes(script))}\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
        using StreamReader reader = new(stream, Encoding.ASCII);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            string[] words = line.Split(' ');
            if (words.Length == 3 && words[0] == id)
            {
                string output = Encoding.UTF8.GetString(Convert.FromBase64String(words[2]));
                int exitCode = int.Parse(words[1], CultureInfo.InvariantCulture);
                return new Outcome($"in the guest: {script}", exitCode, output, Error: "");
            }
        }

        throw new IOException($"The guest went away while it ran: {script}");
    }
}
