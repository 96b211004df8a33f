namespace KvmBackup.Model.Reports;

/// <summary>
/// What the boundary of one domain's or image's work does with an exception of any type: it becomes that domain's failure, and
/// the run goes on.
/// </summary>
public static class Failure
{
    private const string FrameStart = "at ";
    private const string OwnFrame = "at KvmBackup.";

    /// <summary>Whether an exception is the end that was asked for with a token, and not a failure.</summary>
    public static bool IsInterruption(Exception failure, CancellationToken cancellationToken) =>
        failure is OperationCanceledException && cancellationToken.IsCancellationRequested;

    /// <summary>The message of an expected failure; of any other also its type and the place in this program.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        KvmBackupException or IOException or UnauthorizedAccessException => failure.Message,
        _ => $"unexpected {failure.GetType().Name} in {FindPlace(failure)}: {failure.Message.TrimEnd('.')}. This is a defect of "
            + "kvmbackup: please report it",
    };

    /// <summary>The innermost method of this program, from the text of the trace, which has asynchronous methods by their names.</summary>
    private static string FindPlace(Exception failure)
    {
        string[] frames = [.. (failure.StackTrace ?? string.Empty).Split('\n', StringSplitOptions.TrimEntries)
            .Where(line => line.StartsWith(FrameStart, StringComparison.Ordinal))];
        string? frame = frames.FirstOrDefault(line => line.StartsWith(OwnFrame, StringComparison.Ordinal)) ?? frames.FirstOrDefault();
        if (frame is null)
        {
            return "an unknown place";
        }

        int parameters = frame.IndexOf('(', StringComparison.Ordinal);
        return frame[FrameStart.Length..(parameters < 0 ? frame.Length : parameters)];
    }
}
