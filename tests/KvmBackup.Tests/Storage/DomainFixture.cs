using KvmBackup.Storage;
using KvmBackup.Tests.Support;

namespace KvmBackup.Tests.Storage;

/// <summary>A backup directory with one domain, locked.</summary>
public sealed class DomainFixture : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();

    public DomainFixture()
    {
        Root = new BackupDirectory(folder.PathOf("backup"), TimeProvider.System);
        Root.EnsureUsable();
        Domain = Root.ForDomain(new DomainName("web1"));
    }

    public BackupDirectory Root { get; }

    public DomainDirectory Domain { get; }

    public DomainLock Held { get; private set; } = null!;

    public string PathOf(params string[] parts) => Path.Combine([Domain.DirectoryPath, .. parts]);

    public Task<CompletedBackup> PublishAsync(int day, BackupKind kind = BackupKind.Full) =>
        BackupSamples.PublishAsync(Domain, Held, id: BackupSamples.IdOfDay(day), kind: kind);

    public async Task InitializeAsync() => Held = await Domain.LockAsync(TimeSpan.Zero, CancellationToken.None);

    public Task DisposeAsync()
    {
        Held.Dispose();
        folder.Dispose();
        return Task.CompletedTask;
    }
}
