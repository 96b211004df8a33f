namespace KvmBackup.Shell;

/// <summary>One pipe of a program. A read or write that blocks for too long kills the program.</summary>
internal sealed class TimedPipe(Stream pipe, PipedProgram program) : Stream
{
    private readonly ITimer timer = program.CreateTimer();

    public override bool CanRead => pipe.CanRead;

    public override bool CanWrite => pipe.CanWrite;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        int count = 0;
        try
        {
            Arm(program.Limit);
            count = pipe.Read(buffer);
        }
        catch (IOException) when (program.IsTimedOut)
        {
            // Reported below: the pipe broke because the program was killed.
        }
        finally
        {
            Arm(Timeout.InfiniteTimeSpan);
        }

        program.ThrowIfTimedOut();
        return count;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            Arm(program.Limit);
            pipe.Write(buffer);
        }
        catch (IOException) when (program.IsTimedOut)
        {
            // Reported below: the pipe broke because the program was killed.
        }
        finally
        {
            Arm(Timeout.InfiniteTimeSpan);
        }

        program.ThrowIfTimedOut();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // A pipe has no buffer to flush.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            timer.Dispose();
            pipe.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Arm(TimeSpan limit) => _ = timer.Change(limit, Timeout.InfiniteTimeSpan);
}
