using KvmBackup.Shell;

namespace KvmBackup.Tests.Support;

/// <summary>A piped program that prints recorded output and records its input.</summary>
internal sealed class RecordedProgram : IPipedProgram
{
    private readonly CancellationTokenSource killed = new();
    private readonly Task<ProgramResult> result;

    public RecordedProgram(ProgramCall call, Reply reply)
    {
        result = reply.GiveAsync(call, killed.Token);
        StandardInput = new InputPipe(reply.TakenBytes);
        StandardOutput = new OutputPipe(result, reply);
    }

    /// <summary>Its standard input.</summary>
    public byte[] Input => ((InputPipe)StandardInput).ToArray();

    public bool IsDisposed { get; private set; }

    public Stream StandardInput { get; }

    public Stream StandardOutput { get; }

    public async Task<ProgramResult> WaitAsync(CancellationToken cancellationToken) =>
        (await result.WaitAsync(cancellationToken)) with { StandardOutput = string.Empty };

    public async ValueTask DisposeAsync()
    {
        IsDisposed = true;
        await killed.CancelAsync();
    }

    /// <summary>A pipe that breaks after a number of bytes, as of a program that has ended.</summary>
    private sealed class InputPipe(int takenBytes) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Length + buffer.Length > takenBytes)
            {
                throw new IOException("Broken pipe");
            }

            base.Write(buffer);
        }
    }

    private sealed class OutputPipe(Task<ProgramResult> result, Reply reply) : MemoryStream
    {
        private bool isFilled;

        public override int Read(Span<byte> buffer)
        {
            if (!isFilled)
            {
                isFilled = true;
                byte[] output = reply.Bytes ?? System.Text.Encoding.UTF8.GetBytes(Await().StandardOutput);
                base.Write(output);
                Position = 0;
            }

            return base.Read(buffer[..Math.Min(buffer.Length, reply.MostReadBytes)]);
        }

        private ProgramResult Await()
        {
            try
            {
                return result.GetAwaiter().GetResult();
            }
            catch (OperationCanceledException failure)
            {
                throw new IOException("It was killed.", failure);
            }
        }
    }
}
