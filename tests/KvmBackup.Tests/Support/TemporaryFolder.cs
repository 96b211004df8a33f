namespace KvmBackup.Tests.Support;

/// <summary>A temporary directory of one test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string DirectoryPath { get; } = Directory.CreateTempSubdirectory("kvmbackup-test-").FullName;

    public string PathOf(params string[] parts) => Path.Combine([DirectoryPath, .. parts]);

    public void Dispose() => Directory.Delete(DirectoryPath, recursive: true);
}
