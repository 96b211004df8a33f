namespace KvmBackup.Model;

/// <summary>How far a job is.</summary>
/// <param name="Domain">Whose.</param>
/// <param name="Step">What is being done: <c>reading vda</c>.</param>
/// <param name="DoneBytes">Of the content, up to now.</param>
/// <param name="TotalBytes">Of the content, in all.</param>
public sealed record TransferProgress(DomainName Domain, string Step, long DoneBytes, long TotalBytes);
