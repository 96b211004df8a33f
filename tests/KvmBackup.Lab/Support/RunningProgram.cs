using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace KvmBackup.Lab.Support;

/// <summary>A program that a test has started: with a time limit, signals, and a kill at the end.</summary>
public sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _what;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    private RunningProgram(Process process, string what)
    {
        (_process, _what) = (process, what);
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
    }

    public int ProcessId => _process.Id;

    /// <summary>Its output so far.</summary>
    public string OutputSoFar => Read(_output);

    public string ErrorSoFar => Read(_error);

    public static RunningProgram Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        string what = $"{program} {string.Join(' ', start.ArgumentList)}";
        RunningProgram running = new(new Process { StartInfo = start }, what);
        running._process.Start();
        running._process.StandardInput.Close();
        running._process.BeginOutputReadLine();
        running._process.BeginErrorReadLine();
        return running;
    }

    /// <summary>Starts a program and waits for its end.</summary>
    public static async Task<Outcome> RunAsync(string program, params IEnumerable<string> arguments)
    {
        await using RunningProgram running = Start(program, arguments);
        return await running.WaitAsync(TimeSpan.FromMinutes(2));
    }

    /// <exception cref="TimeoutException">It ran longer than that and was killed.</exception>
    public async Task<Outcome> WaitAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"{_what}\ndid not end within {limit}.\n--- output\n{OutputSoFar}\n--- error\n{ErrorSoFar}");
        }

        return new Outcome(_what, _process.ExitCode, OutputSoFar, ErrorSoFar);
    }

    /// <summary>Waits until it has printed a text on standard error.</summary>
    public async Task WaitUntilSaidAsync(string text)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (!ErrorSoFar.Contains(text, StringComparison.Ordinal))
        {
            Assert.True(
                clock.Elapsed < TimeSpan.FromMinutes(1) && !_process.HasExited,
                $"{_what}\ndid not say: {text}\n--- output\n{OutputSoFar}\n--- error\n{ErrorSoFar}");
            await Task.Delay(20);
        }
    }

    /// <summary>Waits until it is stopped by <c>STOP</c>.</summary>
    /// <param name="otherwise">The message when that does not occur.</param>
    public async Task WaitUntilStoppedAsync(string otherwise)
    {
        Stopwatch clock = Stopwatch.StartNew();
        for (char? state = StateOf(ProcessId); state != 'T'; state = StateOf(ProcessId))
        {
            Assert.True(
                clock.Elapsed < TimeSpan.FromMinutes(2) && state is not (null or 'Z'),
                $"{_what}\n{otherwise}:\n{ErrorSoFar}");
            await Task.Delay(20);
        }
    }

    /// <summary>Sends a signal by its name: <c>INT</c>, <c>TERM</c>, <c>KILL</c>, <c>STOP</c>.</summary>
    public async Task SignalAsync(string signal) =>
        (await RunAsync("kill", "-s", signal, ProcessId.ToString(CultureInfo.InvariantCulture))).MustSucceed();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static char? StateOf(int processId)
    {
        try
        {
            string status = File.ReadAllText($"/proc/{processId}/stat");
            return status[status.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.Append(line).Append('\n');
            }
        }
    }

    private static string Read(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
