namespace KvmBackup.Guarding;

/// <summary>How this program starts itself as the watcher.</summary>
/// <param name="Program">Its executable.</param>
/// <param name="Arguments">The words that make it watch.</param>
public sealed record WatchCall(string Program, IReadOnlyList<string> Arguments);
