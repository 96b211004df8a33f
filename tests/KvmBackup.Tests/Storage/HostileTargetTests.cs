using System.Diagnostics;
using KvmBackup.Runs.Archives;
using KvmBackup.Runs.Inspect;
using KvmBackup.Storage;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Storage;

/// <summary>A target where other users may put files: nothing outside it is changed, and nothing hangs.</summary>
public sealed class HostileTargetTests : IDisposable
{
    private const string Precious = "root:x:0:0";

    private readonly TemporaryFolder folder = new();
    private readonly BackupDirectory root;
    private readonly DomainDirectory domain;
    private readonly string victim;

    public HostileTargetTests()
    {
        root = new BackupDirectory(folder.PathOf("backup"), TimeProvider.System);
        root.EnsureUsable();
        domain = root.ForDomain(new DomainName("web1"));
        victim = folder.PathOf("passwd");
        File.WriteAllText(victim, Precious);
    }

    public void Dispose()
    {
        // .NET cannot remove entries whose names are not UTF-8.
        ShellAsync("sh", "-c", $"rm -rf {root.DirectoryPath}/*").GetAwaiter().GetResult();
        folder.Dispose();
    }

    [Theory]
    [InlineData(".lock", true), InlineData(".lock", false), InlineData(".lease", true)]
    public async Task A_link_in_place_of_a_lock_is_refused_and_its_destination_is_not_changed(
        string name, bool isSymbolic)
    {
        _ = Directory.CreateDirectory(domain.DirectoryPath);
        string link = Path.Combine(domain.DirectoryPath, name);
        await (isSymbolic ? ShellAsync("ln", "-s", victim, link) : ShellAsync("ln", victim, link));

        StorageException failure = await Assert.ThrowsAsync<StorageException>(LockAsync);

        Assert.Contains(link, failure.Message, StringComparison.Ordinal);
        Assert.Equal(Precious, File.ReadAllText(victim));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("manifest.json"), InlineData("SHA256SUMS"), InlineData("web1.tar.gz"), InlineData("index.bin")]
    public async Task A_pipe_in_place_of_a_file_does_not_block(string name)
    {
        CompletedBackup backup = await PublishAsync();
        File.Delete(Path.Combine(backup.DirectoryPath, name));
        await ShellAsync("mkfifo", Path.Combine(backup.DirectoryPath, name));

        await Task.Run(() => ReadEverything(backup));
    }

    [Theory]
    [InlineData("manifest.json"), InlineData("SHA256SUMS"), InlineData("web1.tar.gz"), InlineData("index.bin")]
    public async Task A_link_in_place_of_a_file_is_not_followed(string name)
    {
        CompletedBackup backup = await PublishAsync();
        string path = Path.Combine(backup.DirectoryPath, name);
        File.Move(path, folder.PathOf("elsewhere"));
        _ = File.CreateSymbolicLink(path, folder.PathOf("elsewhere"));

        string messages = ReadEverything(backup);

        Assert.Contains(name, messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_domain_folder_that_is_a_link_is_refused_with_a_hint()
    {
        CompletedBackup backup = await PublishAsync();
        Directory.Move(domain.DirectoryPath, folder.PathOf("elsewhere"));
        _ = Directory.CreateSymbolicLink(domain.DirectoryPath, folder.PathOf("elsewhere"));

        Assert.Contains(
            "symbolic link", Assert.Throws<StorageException>(domain.List).Message, StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<StorageException>(LockAsync);
        ListReport list = new ListRun(root).Run(null);

        Assert.Contains("symbolic link", Assert.Single(list.Unusable), StringComparison.Ordinal);
        Assert.Equal(backup.Id.ToString() + "-full", Path.GetFileName(Assert.Single(
            Directory.GetDirectories(folder.PathOf("elsewhere")))));
    }

    [Theory]
    [InlineData("chmod", "g+w", "chmod go-w"), InlineData("chmod", "o+w", "chmod go-w"),
        InlineData("chown", "1234", "chown -R ")]
    public async Task A_domain_folder_that_others_can_change_is_refused_with_a_command(
        string program, string argument, string advice)
    {
        _ = await PublishAsync();
        await ShellAsync(program, argument, domain.DirectoryPath);

        StorageException failure = Assert.Throws<StorageException>(domain.List);
        Assert.Contains(advice, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Check the file system", failure.Message, StringComparison.Ordinal);
        _ = await Assert.ThrowsAsync<StorageException>(LockAsync);

        string command = failure.Message[failure.Message.IndexOf(advice, StringComparison.Ordinal)..].TrimEnd('.');
        await ShellAsync("sh", "-c", command);
        _ = Assert.Single(domain.List().Backups);
    }

    [Fact]
    public async Task Links_in_a_removed_backup_are_not_followed()
    {
        using DomainLock held = await LockAsync();
        string leftover = Path.Combine(domain.DirectoryPath, "20261101T020000Z-full.deleting");
        _ = Directory.CreateDirectory(Path.Combine(leftover, "inner"));
        _ = Directory.CreateSymbolicLink(Path.Combine(leftover, "inner", "link"), folder.DirectoryPath);
        _ = File.CreateSymbolicLink(Path.Combine(leftover, "file"), victim);
        await ShellAsync("sh", "-c", $"touch {leftover}/inner/$(printf 'caf\\351')");

        Assert.Equal(1, domain.RemoveLeftovers(held));

        Assert.Equal(Precious, File.ReadAllText(victim));
        Assert.False(Directory.Exists(leftover));
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task An_unreadable_folder_does_not_affect_the_other_domains(bool isOutOfReach)
    {
        _ = await PublishAsync();
        await ShellAsync("sh", "-c", isOutOfReach
            ? $"cd {root.DirectoryPath} && mkdir -p other "
                + "&& ln -s /proc/1/cwd/nowhere other/x && mkdir other/20261101T020000Z-full "
                + "&& chmod o+w other"
            : $"cd {root.DirectoryPath} && mkdir -p $(printf 'caf\\351')/20261101T020000Z-full");

        ListReport list = new ListRun(root).Run(null);
        VerifyReport verify = await new VerifyRun(
            root, new BackupVerifier(Logger.None), TimeProvider.System, Logger.None)
            .RunAllAsync(VerifyDepth.Content, null, CancellationToken.None);

        string messages = isOutOfReach ? "other" : "caf\\xE9: its name is not UTF-8";
        Assert.Equal(ExitCode.Failed, list.ExitCode);
        _ = Assert.Single(list.Backups);
        Assert.Contains(list.Unusable, text => text.Contains(messages, StringComparison.Ordinal));
        _ = Assert.Single(verify.Results);
        Assert.NotEqual(ExitCode.Done, verify.ExitCode);
        Assert.Contains(verify.Unusable, text => text.Contains(messages, StringComparison.Ordinal));
    }

    private static async Task ShellAsync(params string[] command)
    {
        using Process process = Process.Start(command[0], command[1..]);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private string ReadEverything(CompletedBackup backup)
    {
        List<string> messages = [.. domain.List().Unusable.Select(entry => entry.Reason)];
        try
        {
            messages.AddRange(BackupIntegrity.VerifyFiles(backup).Select(damage => $"{damage.File}: {damage.Reason}"));
            messages.AddRange(
                new BackupVerifier(Logger.None).VerifyAsync(backup, VerifyDepth.Content, null, CancellationToken.None)
                .GetAwaiter().GetResult().Select(damage => $"{damage.File}: {damage.Reason}"));
        }
        catch (KvmBackupException failure)
        {
            messages.Add(failure.Message);
        }

        return string.Join('\n', messages);
    }

    private async Task<CompletedBackup> PublishAsync()
    {
        using DomainLock held = await LockAsync();
        return await BackupSamples.PublishAsync(domain, held);
    }

    private Task<DomainLock> LockAsync() => domain.LockAsync(TimeSpan.Zero, CancellationToken.None);
}
