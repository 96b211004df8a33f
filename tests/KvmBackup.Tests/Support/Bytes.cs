namespace KvmBackup.Tests.Support;

/// <summary>Content in memory, without holes.</summary>
internal sealed class Bytes(byte[] content) : IExtentSource
{
    public long SizeBytes => content.Length;

    public IReadOnlyList<Extent> Extents => [new Extent(0, content.Length)];

    public ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        content.AsMemory((int)offsetBytes, buffer.Length).CopyTo(buffer);
        return ValueTask.CompletedTask;
    }
}
