namespace KvmBackup.Shell;

/// <summary>What a program said and how it ended.</summary>
/// <param name="Call">What was started.</param>
/// <param name="ExitCode">Its exit status; zero is success.</param>
/// <param name="StandardOutput">All it printed.</param>
/// <param name="StandardError">All its complaints.</param>
/// <param name="Elapsed">From start to end.</param>
public sealed record ProgramResult(
    ProgramCall Call, int ExitCode, string StandardOutput, string StandardError, TimeSpan Elapsed)
{
    public bool IsSuccess => ExitCode == 0;

    /// <summary>What it said for a message to a person: the complaint, or else the output, on one line.</summary>
    public string Complaint
    {
        get
        {
            string said = string.IsNullOrWhiteSpace(StandardError) ? StandardOutput : StandardError;
            string line = string.Join(
                " / ", said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            return line.Length > 0 ? line : $"nothing, exit status {ExitCode}";
        }
    }
}
