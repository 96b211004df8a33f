using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>A source that is read no faster than a pace lets it.</summary>
public sealed class PacedSource(IExtentSource source, Pace pace) : IExtentSource
{
    public long SizeBytes => source.SizeBytes;

    public IReadOnlyList<Extent> Extents => source.Extents;

    public async ValueTask ReadAsync(long offsetBytes, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await pace.TakeAsync(buffer.Length, cancellationToken);
        await source.ReadAsync(offsetBytes, buffer, cancellationToken);
    }
}
