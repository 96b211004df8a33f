using System.Runtime.InteropServices;

namespace KvmBackup.Cli;

/// <summary>
/// Standard output for bytes. It writes at the offset of the descriptor, which programs before and after this one
/// share; a FileStream writes at an offset of its own. It reports a closed pipe; the stream of the console does not.
/// </summary>
internal sealed unsafe partial class OutputStream : Stream
{
    /// <summary>EPIPE, the HResult of the exception after the reader has closed the pipe.</summary>
    public const int BrokenPipe = 32;

    private const int Descriptor = 1;
    private const int Interrupted = 4;
    private const int WouldBlock = 11;
    private const int GetPipeSize = 1032;
    private const int PipeBufferBytes = 4096;
    private const int PollMilliseconds = 200;
    private const short CanWriteNow = 4;

    // A pipe that poll(2) reports as writable accepts this many bytes without blocking, so no signal is missed.
    private readonly int mostBytes = fcntl(Descriptor, GetPipeSize) >= 0 ? PipeBufferBytes : int.MaxValue;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
        // Nothing is buffered.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) =>
        WriteAll(buffer.AsSpan(offset, count), CancellationToken.None);

    public override void Write(ReadOnlySpan<byte> buffer) => WriteAll(buffer, CancellationToken.None);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        WriteAll(buffer.Span, cancellationToken);
        return ValueTask.CompletedTask;
    }

    private void WriteAll(ReadOnlySpan<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            WaitUntilWritable(cancellationToken);
            nint written;
            fixed (byte* first = bytes)
            {
                written = write(Descriptor, first, Math.Min(bytes.Length, mostBytes));
            }

            if (written >= 0)
            {
                bytes = bytes[(int)written..];
            }
            else if (Marshal.GetLastPInvokeError() is var error and not (Interrupted or WouldBlock))
            {
                throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
            }
        }
    }

    private static void WaitUntilWritable(CancellationToken cancellationToken)
    {
        PollRequest request;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            request = new PollRequest { Descriptor = Descriptor, Events = CanWriteNow };
        }
        while (poll(&request, 1, PollMilliseconds) <= 0);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte* bytes, nint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollRequest* requests, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short ReturnedEvents;
    }
}
