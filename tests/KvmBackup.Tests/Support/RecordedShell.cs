using System.Text;
using KvmBackup.Hypervisor;
using KvmBackup.Shell;

namespace KvmBackup.Tests.Support;

/// <summary>
/// Replies to calls with the recorded output for their argument lists, and records the calls in order. An unknown call
/// fails the test.
/// </summary>
/// <param name="imagesPath">The folder of the test's images, which replaces that of the recordings.</param>
public sealed class RecordedShell(string imagesPath = Recording.ImagesPath) : IProcessRunner
{
    private readonly Dictionary<string, string> words = new()
    {
        [Recording.ImagesPath] = imagesPath,
        ["/var/lib/libvirt/boot"] = imagesPath == Recording.ImagesPath ? "/var/lib/libvirt/boot" : imagesPath,
    };

    private readonly Lock gate = new();
    private readonly List<ProgramCall> calls = [];
    private readonly List<RecordedProgram> opened = [];
    private readonly Dictionary<string, Queue<Reply>> recorded = [];
    private readonly List<(string Part, Queue<Reply> Replies)> faults = [];

    public IReadOnlyList<ProgramCall> Calls => calls;

    /// <summary>The piped programs, in the order of their starts.</summary>
    internal IReadOnlyList<RecordedProgram> Opened => opened;

    /// <summary>Replies to the recorded calls as recorded, from now on.</summary>
    public RecordedShell Now(params string[] recordings)
    {
        lock (gate)
        {
            foreach (string name in recordings)
            {
                Recording recording = Recording.Read(name, words);
                recorded[recording.CallText] = new([Reply.Of(recording)]);
            }
        }

        return this;
    }

    /// <summary>Replaces a name of the recorded host, from now on.</summary>
    public void Call(string word, string here) => words[word] = here;

    /// <summary>Replies to one recorded call with successive recordings; the last one repeats.</summary>
    public RecordedShell InTurn(params string[] recordings)
    {
        Recording[] read = [.. recordings.Select(name => Recording.Read(name, words))];
        recorded[read[0].CallText] = new(read.Select(Reply.Of));
        return this;
    }

    /// <summary>Sets the reply to the next calls that contain a text, which takes precedence over recordings.</summary>
    public RecordedShell On(string part, params Reply[] replies)
    {
        faults.Add((part, new(replies)));
        return this;
    }

    /// <summary>The given texts in the order of the calls that contain them.</summary>
    public IReadOnlyList<string> Order(params string[] parts) =>
        [.. calls.Select(Recording.TextOf).Select(text => parts.FirstOrDefault(text.Contains)).OfType<string>()];

    public int Count(string part) => Order(part).Count;

    public Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return call.Arguments is [.., var last] && last.Contains(Virsh.Separator, StringComparison.Ordinal)
            ? RunScriptAsync(call, last, cancellationToken) : Next(call).GiveAsync(call, cancellationToken);
    }

    public IPipedProgram Open(ProgramCall call)
    {
        RecordedProgram program = new(call, Next(call));
        opened.Add(program);
        return program;
    }

    /// <summary>The input of filters as text, in the order of their calls.</summary>
    public List<string> Inputs { get; } = [];

    public async Task<ProgramResult> FilterAsync(
        ProgramCall call, ReadOnlyMemory<byte> input, Stream output, CancellationToken cancellationToken)
    {
        Inputs.Add(Encoding.UTF8.GetString(input.Span));
        ProgramResult result = await Next(call).GiveAsync(call, cancellationToken);
        await output.WriteAsync(Encoding.UTF8.GetBytes(result.StandardOutput), cancellationToken);
        return result with { StandardOutput = string.Empty };
    }

    /// <summary>
    /// Several queries in one virsh, each followed by <c>echo MARK</c>: replies as to each alone. It fails while the
    /// reply to one of them is set to a fault, so that the caller repeats them one by one.
    /// </summary>
    private async Task<ProgramResult> RunScriptAsync(
        ProgramCall call, string script, CancellationToken cancellationToken)
    {
        string[] parts = script.Split(Virsh.Separator);
        ProgramCall[] queries =
        [
            .. parts.Where((_, index) => index % 2 == 0).Select(text => new ProgramCall("virsh", text.Split(' '))),
        ];
        StringBuilder output = new();
        StringBuilder complaints = new();
        if (queries.Any(query => HasFault(Recording.TextOf(query))))
        {
            return new ProgramResult(call, 1, string.Empty, "error: one of them", TimeSpan.Zero);
        }

        foreach (ProgramCall query in queries)
        {
            ProgramResult result = await Next(query).GiveAsync(query, cancellationToken);
            _ = output.Append(result.StandardOutput).Append(parts[1]["echo ".Length..]);
            _ = complaints.Append(result.StandardError);
        }

        return new ProgramResult(call, 0, output.ToString(), complaints.ToString(), TimeSpan.Zero);
    }

    private bool HasFault(string text)
    {
        lock (gate)
        {
            return faults.Any(fault => fault.Replies.Count > 0 && text.Contains(fault.Part, StringComparison.Ordinal));
        }
    }

    private Reply Next(ProgramCall call)
    {
        string text = Recording.TextOf(call);
        lock (gate)
        {
            calls.Add(call);
            foreach ((string part, Queue<Reply> replies) in faults)
            {
                if (text.Contains(part, StringComparison.Ordinal) && replies.Count > 0)
                {
                    return replies.Dequeue();
                }
            }

            return !recorded.TryGetValue(text, out Queue<Reply>? known)
                && !recorded.TryGetValue(text.Replace("virsh ", "virsh --quiet ", StringComparison.Ordinal), out known)
                ? throw new InvalidOperationException($"This call was never recorded: {call}")
                : known.Count > 1 ? known.Dequeue() : known.Peek();
        }
    }
}
