using Serilog;

namespace KvmBackup.Runs.Transfer;

/// <summary>
/// Disposes of a resource on the target at the end of a scope, without waiting longer than <see cref="TargetTimeout"/>
/// allows.
/// </summary>
public sealed class TargetScope : IAsyncDisposable
{
    private readonly Func<Task> dispose;

    /// <param name="resource">Its disposal may hang.</param>
    /// <param name="what">The resource, for the log.</param>
    /// <param name="stallLimit">How long the target may take to answer.</param>
    /// <param name="log">Gets an error when the target hangs.</param>
    public TargetScope(IAsyncDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        dispose = () => TargetTimeout.DisposeAsync(resource, what, stallLimit, log);

    /// <inheritdoc cref="TargetScope(IAsyncDisposable, string, TimeSpan, ILogger)"/>
    public TargetScope(IDisposable resource, string what, TimeSpan stallLimit, ILogger log) =>
        dispose = () => TargetTimeout.DisposeAsync(resource, what, stallLimit, log);

    public async ValueTask DisposeAsync() => await dispose();
}
