namespace KvmBackup.Model.Reports;

/// <summary>
/// Handles exceptions of any type at the boundary of one domain's or image's job: they become that domain's failure,
/// and
/// the run continues.
/// </summary>
public static class Failure
{
    private const string FrameStart = "at ";
    private const string OwnFrame = "at KvmBackup.";

    /// <summary>Whether an exception is a requested cancellation and not a failure.</summary>
    public static bool IsInterruption(Exception failure, CancellationToken cancellationToken) =>
        failure is OperationCanceledException && cancellationToken.IsCancellationRequested;

    /// <summary>The message of an expected failure; for any other exception also its type and the place in this
    /// program.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        KvmBackupException or IOException or UnauthorizedAccessException => failure.Message,
        _ => $"unexpected {failure.GetType().Name} in {FindPlace(failure)}: {failure.Message.TrimEnd('.')}. This is a "
            + "defect of kvmbackup: please report it",
    };

    // Reads the text of the stack trace, because it has asynchronous methods by their source names.
    private static string FindPlace(Exception failure)
    {
        string[] frames = [.. (failure.StackTrace ?? string.Empty).Split('\n', StringSplitOptions.TrimEntries)
            .Where(line => line.StartsWith(FrameStart, StringComparison.Ordinal))];
        string? frame = frames.FirstOrDefault(line => line.StartsWith(OwnFrame, StringComparison.Ordinal))
            ?? frames.FirstOrDefault();
        if (frame is null)
        {
            return "an unknown place";
        }

        int parameters = frame.IndexOf('(', StringComparison.Ordinal);
        return frame[FrameStart.Length..(parameters < 0 ? frame.Length : parameters)];
    }
}
