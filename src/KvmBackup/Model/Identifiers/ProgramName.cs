namespace KvmBackup.Model.Identifiers;

/// <summary>The name of this program in a manifest.</summary>
public static class ProgramName
{
    /// <summary>Name and version: <c>kvmbackup 0.1.0</c>.</summary>
    public static string Text { get; } =
        $"kvmbackup {typeof(ProgramName).Assembly.GetName().Version?.ToString(3) ?? "0"}";
}
