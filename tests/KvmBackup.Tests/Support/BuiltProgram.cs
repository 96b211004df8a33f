namespace KvmBackup.Tests.Support;

/// <summary>The program itself, for tests of a process with arguments, streams and exit code.</summary>
public static class BuiltProgram
{
    /// <summary>
    /// The published program, compiled ahead of time, if <c>tests/run.sh</c> provides it: it starts with a third of the
    /// processor time. Otherwise the one that the build puts beside the test assembly.
    /// </summary>
    public static string FilePath { get; } =
        Environment.GetEnvironmentVariable("KVMBACKUP_LAB_PROGRAM") is { Length: > 0 } published
            ? published : Path.Combine(AppContext.BaseDirectory, "kvmbackup");
}
