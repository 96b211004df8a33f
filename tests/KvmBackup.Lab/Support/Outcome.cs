namespace KvmBackup.Lab.Support;

/// <summary>How a program, or a command in a guest, ended and what it said.</summary>
public sealed record Outcome(string What, int ExitCode, string Output, string Error)
{
    /// <summary>The outcome itself, once it is sure that the command succeeded.</summary>
    public Outcome MustSucceed() => MustEndWith(0);

    public Outcome MustEndWith(int exitCode)
    {
        Assert.True(
            ExitCode == exitCode,
            $"{What}\nended with {ExitCode}, not {exitCode}.\n--- output\n{Output}\n--- error\n{Error}");
        return this;
    }
}
