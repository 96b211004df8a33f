using KvmBackup.Cli;
using KvmBackup.Shell;
using KvmBackup.Tests.Support;
using Serilog.Core;

namespace KvmBackup.Tests.Cli;

public sealed class WatchCommandTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("/etc/kvmbackup/config.yml", null, "/etc/kvmbackup/config.yml", "")]
    [InlineData("/a b/config.yml", "qemu+unix:///system?socket=/x", "/a b/config.yml", "qemu+unix:///system?socket=/x")]
    public void The_watcher_gets_the_configuration_and_the_libvirt_of_the_run(
        string configuration, string? connect, string path, string uri) =>
        Assert.Equal([WatchCommand.Name, path, uri], WatchCommand.Arguments(Options(configuration, connect)));

    [Fact]
    public void The_watcher_gets_an_absolute_path() => Assert.Equal(
        Path.Combine(Environment.CurrentDirectory, "config.yml"),
        WatchCommand.Arguments(Options("config.yml", null))[1]);

    [Fact]
    public async Task The_watcher_command_recovers()
    {
        // An entry that recovery cannot repair, so that the exit code proves that it was read.
        _ = Directory.CreateDirectory(folder.PathOf("state", "journal"));
        File.WriteAllText(folder.PathOf("state", "journal", $"{Web1.Uuid}.json"), "{");

        ProgramResult result = await Shell.RunAsync(Watch(), CancellationToken.None);

        Assert.Equal((int)ExitCode.ManualActionRequired, result.ExitCode);
    }

    [Fact]
    public async Task A_watcher_that_cannot_recover_ends_with_the_code_of_the_reason_and_no_stack_trace()
    {
        ProgramResult result = await Shell.RunAsync(Watch("/absent.yml"), CancellationToken.None);

        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.DoesNotContain("   at ", result.StandardError, StringComparison.Ordinal);
    }

    private static ProcessRunner Shell => new(Logger.None, TimeProvider.System);

    private static GlobalOptions Options(string configuration, string? connect) =>
        new(configuration, null, connect, false, false, false, TimeSpan.Zero);

    private ProgramCall Watch(string? configuration = null)
    {
        string filePath = configuration ?? folder.PathOf("config.yml");
        if (configuration is null)
        {
            File.WriteAllText(filePath, $"""
                {Environment.MachineName.Split('.')[0]}:
                  backupdir: {folder.PathOf("backup")}
                  statedir: {folder.PathOf("state")}
                  domains:
                    web1:
                      day_of_week: [Sun]
                      rotate: 1

                """);
        }

        return new ProgramCall(BuiltProgram.FilePath, [WatchCommand.Name, filePath, string.Empty]);
    }
}
