namespace KvmBackup.Model;

/// <summary>Where a member of an archive is written back to. What is never written stays a hole.</summary>
public interface IExtentSink
{
    /// <summary>Writes at an offset. Called from several threads at once, never twice for one byte.</summary>
    ValueTask WriteAsync(long offsetBytes, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);
}
