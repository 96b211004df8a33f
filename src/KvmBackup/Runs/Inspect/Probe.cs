namespace KvmBackup.Runs.Inspect;

/// <summary>Makes a finding of one check.</summary>
internal static class Probe
{
    /// <param name="subject">What is checked.</param>
    /// <param name="check">Returns what was found, or throws.</param>
    /// <param name="hint">What to do when it throws; null when the exception's message contains it.</param>
    public static async Task<Finding> RunAsync(
        string subject, Func<CancellationToken, Task<string>> check, string? hint, CancellationToken cancellationToken)
    {
        try
        {
            return new Finding(subject, FindingSeverity.Good, await check(cancellationToken), null);
        }
        catch (Exception failure) when (!Failure.IsInterruption(failure, cancellationToken))
        {
            return new Finding(subject, FindingSeverity.Bad, Failure.Describe(failure), hint);
        }
    }
}
