namespace KvmBackup.Tests.Archiving;

/// <summary>Collects an extracted member in memory; fails when a byte is written twice or outside the member.</summary>
internal sealed class BufferSink(long sizeBytes) : IExtentSink
{
    private readonly bool[] isWritten = new bool[sizeBytes];

    public byte[] Content { get; } = new byte[sizeBytes];

    public ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        lock (isWritten)
        {
            for (int index = 0; index < data.Length; index++)
            {
                Assert.False(isWritten[offsetBytes + index]);
                isWritten[offsetBytes + index] = true;
            }
        }

        data.CopyTo(Content.AsMemory((int)offsetBytes));
        return ValueTask.CompletedTask;
    }
}
