namespace KvmBackup.Tests.Archiving;

/// <summary>A theory that is skipped where a program is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProgramTheoryAttribute : TheoryAttribute
{
    public ProgramTheoryAttribute(params string[] programs)
    {
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':');
        string? missing = programs.FirstOrDefault(
            program => !path.Any(directory => File.Exists(Path.Combine(directory, program))));
        Skip = missing is null ? null : $"{missing} is not on this host";
    }
}
