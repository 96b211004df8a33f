namespace KvmBackup.Lab.Support;

/// <summary>The exit code and output of a program, or of a command in a guest.</summary>
public sealed record Outcome(string What, int ExitCode, string Output, string Error)
{
    /// <summary>Returns the outcome after a check that the command succeeded.</summary>
    public Outcome MustSucceed() => MustEndWith(0);

    public Outcome MustEndWith(int exitCode)
    {
        Assert.True(
            ExitCode == exitCode,
            $"{What}\nended with {ExitCode}, not {exitCode}.\n--- output\n{Output}\n--- error\n{Error}");
        return this;
    }
}
