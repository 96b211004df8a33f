using KvmBackup.Model;

namespace KvmBackup.Shell;

/// <summary>A program to start, as a value: name and argument list, never a shell string.</summary>
/// <param name="Program">Looked up on the PATH.</param>
/// <param name="Arguments">One element for each argument, passed as they are.</param>
public sealed record ProgramCall(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>After this the program is killed and the call fails; every call has a limit.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>The call as an operator would type it, quoted where the shell needs it.</summary>
    public override string ToString() => string.Join(' ', Arguments.Prepend(Program).Select(ShellWord.Quote));
}
