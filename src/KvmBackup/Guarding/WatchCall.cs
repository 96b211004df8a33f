namespace KvmBackup.Guarding;

/// <summary>How this program is started when a run was killed.</summary>
/// <param name="Program">Its executable.</param>
/// <param name="Arguments">The words that make it mend what the run left.</param>
public sealed record WatchCall(string Program, IReadOnlyList<string> Arguments);
